// Token sources besides the Authorization header, and encoded slashes on routes that allow them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  bounded,
  gateTest,
  INVALID,
  INVALID_REQUEST,
  policies,
  withGate,
} from "./harness/index.mjs";

/** @import { TestContext } from "node:test" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin, Received } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */
/** @import { RawRequest } from "./harness/socket.mjs" */

/** @typedef {[name: string, value: string]} HeaderLine */
/** @typedef {[target: string, headers: HeaderLine[]]} Sent */

const { hs256, hs256Token, SECRET } = policies;

const SOURCES = [
  "authorization",
  { cookie: "__Host-token" },
  { header: "X-Token" },
  { query: "access_token" },
  "websocket-protocol",
];

/**
 * @param {string} runtime
 * @param {Record<string, unknown>} [changes] keys of the policy
 * @returns {(site: {origin: Origin}) => GateOptions}
 */
const options =
  (runtime, changes = {}) =>
  ({ origin }) => ({
    runtime,
    policy: hs256({ origin, token: { sources: SOURCES }, log: { decisions: "all" }, ...changes }),
    secrets: { SECRET },
  });

/** @type {HeaderLine[]} */
const UPGRADE = [
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Version", "13"],
];

/**
 * The target and all header lines that the origin received, as text.
 *
 * @param {Received} seen
 */
const head = (seen) =>
  `${seen.target}\n${seen.headerLines.map(([name, value]) => `${name}: ${value}`).join("\n")}`;

for (const runtime of ["miniflare", "workerd"]) {
  withGate(`token sources in ${runtime}`, options(runtime), (test) => {
    /**
     * @param {Running} gate
     * @param {string} target
     * @param {HeaderLine[]} [headers]
     * @param {RawRequest} [more]
     */
    const send = (gate, target, headers = [], more = {}) => gate.raw({ target, headers, ...more });

    test("accepts a token in each source, and refuses two tokens", async ({ gate, origin }) => {
      const token = hs256Token();
      /** @type {Sent[]} */
      const places = [
        ["/api/a", [["Authorization", `Bearer ${token}`]]],
        ["/api/a", [["Cookie", `a=b; __Host-token=${token}; c=d`]]],
        ["/api/a", [["X-Token", token]]],
        [`/api/a?x=1&access_token=${token}&y=%2F+'`, []],
        ["/api/a", [["Sec-WebSocket-Protocol", `bearer, ${token}`]]],
      ];
      for (const [target, headers] of places) {
        const seen = await assertAdmitted(await send(gate, target, headers), origin, target);
        assert.equal(seen.header("x-auth-subject"), "user-1");
        for (const [other, others] of places.filter(([, one]) => one !== headers)) {
          const path = target === "/api/a" ? other : target;
          const response = await send(gate, path, [...headers, ...others]);
          await assertRefused(response, 400, INVALID_REQUEST, { why: `${target} and ${other}` });
          origin.expectNone(path);
        }
      }
    });

    test("attack 28: refuses two tokens in one source, in one header line or two", async ({
      gate,
      origin,
    }) => {
      const token = hs256Token();
      const other = hs256Token({ sub: "user-2" });
      for (const second of [token, other, "x", ""]) {
        /** @type {Sent[]} */
        const twice = [
          ["/api/a", [["Cookie", `__Host-token=${token}; __Host-token=${second}`]]],
          ["/api/a", [["Cookie", `__Host-token=${token}`], ["Cookie", `__Host-token=${second}`]]], // prettier-ignore
          ["/api/a", [["X-Token", token], ["X-Token", second]]], // prettier-ignore
          [`/api/a?access_token=${token}&access_token=${second}`, []],
          ["/api/a", [["Sec-WebSocket-Protocol", `bearer, ${token}, bearer, ${second}`]]],
        ];
        for (const [target, headers] of twice) {
          await assertRefused(await send(gate, target, headers), 400, INVALID_REQUEST, {
            why: `${headers} ${second}`,
          });
          origin.expectNone(target);
        }
      }
    });

    test("refuses malformed credentials, even if the route needs no token", async ({
      gate,
      origin,
    }) => {
      for (const path of ["/api/a", "/optional/a"]) {
        /** @type {Sent[]} */
        const malformed = [
          [path, [["Cookie", "__Host-token="]]],
          [path, [["Cookie", "__Host-token"]]],
          [path, [["Cookie", `__Host-token="${hs256Token()}"`]]],
          [path, [["X-Token", ""]]],
          [path, [["X-Token", `Bearer ${hs256Token()}`]]],
          [`${path}?access_token=`, []],
          [`${path}?access_token`, []],
          [`${path}?access_token=%20${hs256Token()}`, []],
          [path, [["Sec-WebSocket-Protocol", "bearer"]]],
        ];
        for (const [target, headers] of malformed) {
          await assertRefused(await send(gate, target, headers), 400, INVALID_REQUEST, {
            why: `${target} ${headers}`,
          });
          origin.expectNone(target);
        }
        /** @type {Sent[]} */
        const invalid = [
          [path, [["Cookie", "__Host-token=a.b.c"]]],
          [path, [["X-Token", "a.b.c"]]],
          [`${path}?access_token=a.b.c`, []],
          [path, [["Sec-WebSocket-Protocol", "bearer, a.b.c"]]],
        ];
        for (const [target, headers] of invalid) {
          await assertRefused(await send(gate, target, headers), 401, INVALID, { why: target });
          origin.expectNone(target);
        }
      }
    });

    test("a public route ignores all sources and leaves them unchanged", async ({
      gate,
      origin,
    }) => {
      const token = hs256Token();
      /** @type {HeaderLine[]} */
      const headers = [
        ["Cookie", `__Host-token=${token}; __Host-token=x`],
        ["X-Token", "x, y"],
        ["Sec-WebSocket-Protocol", `bearer, ${token}`],
      ];
      const target = `/public/a?access_token=${token}&access_token=`;
      const seen = await assertAdmitted(await send(gate, target, headers), origin);
      assert.equal(seen.target, target);
      for (const [name, value] of headers) assert.equal(seen.header(name), value);
    });

    test("removes a token from the query and forwards the rest of the query unchanged", async ({
      gate,
      origin,
    }) => {
      const token = hs256Token();
      for (const [query, left] of /** @type {const} */ ([
        [`?access_token=${token}`, ""],
        [`?a=%2f+%7e&&=&access_token=${token}&b[]=c;d`, "?a=%2f+%7e&&=&b[]=c;d"],
        [`?access%5ftoken=${token}&q=%E2%82%AC`, "?q=%E2%82%AC"],
      ])) {
        const seen = await assertAdmitted(await send(gate, `/api/a${query}`), origin, query);
        assert.equal(seen.target, `/api/a${left}`);
        for (const segment of token.split(".")) assert.ok(!head(seen).includes(segment));
      }
    });

    test("attack 28: refuses cross-site requests with a cookie", async ({ gate, origin }) => {
      /** @type {HeaderLine} */
      const cookie = ["Cookie", `__Host-token=${hs256Token()}`];
      const own = gate.url;
      const post = (/** @type {HeaderLine[]} */ ...headers) =>
        send(gate, "/api/a", [cookie, ...headers], { method: "POST", body: "x" });
      /** @type {HeaderLine[][]} */
      const foreign = [
        [],
        [["Sec-Fetch-Site", "cross-site"]],
        [["Sec-Fetch-Site", "same-site"]],
        [["Sec-Fetch-Site", "none"]],
        [["Origin", "https://evil.example"]],
        [["Origin", "null"]],
        [["Origin", `${own}.evil.example`]],
        [["Sec-Fetch-Site", "cross-site"], ["Origin", "https://evil.example"]], // prettier-ignore
      ];
      for (const headers of foreign) {
        await assertProblem(await post(...headers), 403, { why: JSON.stringify(headers) });
        origin.expectNone();
      }
      /** @type {HeaderLine[]} */
      const allowed = [
        ["Sec-Fetch-Site", "same-origin"],
        ["Origin", own],
      ];
      for (const header of allowed) {
        await assertAdmitted(await post(header), origin, header[0]);
      }
      await assertAdmitted(
        await send(gate, "/api/a", [cookie, ["Sec-Fetch-Site", "cross-site"]]),
        origin,
      );

      const upgrade = (/** @type {HeaderLine[]} */ ...headers) =>
        gate.raw({
          bare: true,
          target: "/api/socket",
          headers: [["Host", gate.host], ["Connection", "Upgrade"], ...UPGRADE, cookie, ...headers],
        });
      await assertProblem(await upgrade(), 403);
      await assertProblem(await upgrade(["Origin", "https://evil.example"]), 403);
      origin.expectNone();
      assert.equal((await upgrade(["Origin", own])).status, 101);
      origin.expectOne();
    });

    /**
     * Opens a WebSocket, which is closed when the test ends.
     *
     * @param {TestContext} t
     * @param {Running} gate
     * @param {string[]} protocols
     */
    const open = async (t, gate, protocols, path = "/api/socket") => {
      const socket = new WebSocket(`${gate.url.replace("http", "ws")}${path}`, protocols, {
        perMessageDeflate: false,
      });
      t.after(() => socket.terminate());
      await bounded(once(socket, "open"), "a WebSocket to open");
      return socket;
    };

    test("accepts a token among the subprotocols of a WebSocket and selects `bearer`", async ({
      gate,
      origin,
      t,
    }) => {
      const token = hs256Token();
      const socket = await open(t, gate, ["bearer", token]);
      assert.equal(socket.protocol, "bearer");
      const seen = origin.expectOne();
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.equal(seen.header("sec-websocket-protocol"), undefined);
      for (const segment of token.split(".")) assert.ok(!head(seen).includes(segment));
      const answer = once(socket, "message");
      socket.send("hello");
      const [data] = await bounded(answer, "an echo");
      assert.equal(data.toString(), "hello");
      const closed = once(socket, "close");
      seen.webSocket.close(4003, "done");
      const [code, reason] = await bounded(closed, "a close");
      assert.deepEqual([code, reason.toString()], [4003, "done"]);
    });

    test("forwards the other subprotocols and returns the origin's choice", async ({
      gate,
      origin,
      t,
    }) => {
      origin.chooseProtocol = (offered) => (offered.has("chat") ? "chat" : false);
      const socket = await open(t, gate, ["bearer", hs256Token(), "chat"]);
      assert.equal(socket.protocol, "chat");
      assert.equal(origin.expectOne().header("sec-websocket-protocol"), "chat");
    });

    test("does not select a subprotocol if it took no token from the list", async ({
      gate,
      origin,
      t,
    }) => {
      origin.chooseProtocol = () => "bearer";
      const socket = await open(t, gate, ["bearer", "x"], "/public/socket");
      assert.equal(socket.protocol, "bearer", "the origin's own choice");
      assert.match(origin.expectOne().header("sec-websocket-protocol") ?? "", /^bearer, ?x$/);
    });

    test("logs no token from any source", async ({ gate, origin }) => {
      const tokens = [hs256Token(), hs256Token({ exp: 1 }), "canary.canary.canary"];
      for (const token of tokens) {
        await send(gate, `/api/a?access_token=${token}`);
        await send(gate, "/api/a", [["Cookie", `__Host-token=${token}`]]);
        await send(gate, "/api/a", [["X-Token", token]]);
        await send(gate, "/api/a", [["Sec-WebSocket-Protocol", `bearer, ${token}`]]);
      }
      await gate.logs.waitFor(
        ({ structured }) => structured.filter(({ code }) => code === "malformed_token").length >= 4,
      );
      origin.take();
      for (const piece of tokens.flatMap((token) => token.split(".")))
        assert.ok(!gate.logs.text.includes(piece));
    });
  });
}

withGate(
  'token sources with authorization = "strip"',
  options("workerd", { forward: { authorization: "strip" } }),
  (test) => {
    test("removes the token and forwards the rest of the header", async ({ gate, origin }) => {
      const token = hs256Token();
      /** @type {HeaderLine} */
      const basic = ["Authorization", "Basic dTpw"];
      /**
       * @param {string} target
       * @param {HeaderLine[]} headers
       */
      const admitted = async (target, headers) => {
        const seen = await assertAdmitted(await gate.raw({ target, headers }), origin, target);
        assert.equal(seen.header("authorization"), undefined);
        for (const segment of token.split(".")) assert.ok(!head(seen).includes(segment));
        return seen;
      };
      await admitted("/api/a", [["Authorization", `Bearer ${token}`]]);
      assert.equal(
        (await admitted("/api/a", [["X-Token", token], basic])).header("x-token"),
        undefined,
      );
      assert.equal(
        (await admitted("/api/a", [["Cookie", `__Host-token=${token}`], basic])).header("cookie"),
        undefined,
      );
      for (const [cookies, left] of /** @type {const} */ ([
        [`a=b; __Host-token=${token}; c="d, e"`, 'a=b; c="d, e"'],
        [`__Host-token=${token};c=d`, "c=d"],
        // Only valid UTF-8 is tested: the runtime decodes headers, so other bytes are lost.
        [`a=caf\xc3\xa9; __Host-token=${token}; b=\xe2\x82\xac`, "a=caf\xc3\xa9; b=\xe2\x82\xac"],
      ])) {
        assert.equal(
          (await admitted("/api/a", [["Cookie", cookies], basic])).header("cookie"),
          left,
        );
      }
      for (const target of ["/optional/a", "/public/a"]) {
        assert.equal((await admitted(target, [["Cookie", "a=b"], basic])).header("cookie"), "a=b");
      }
    });
  },
);

withGate(
  "the echo with tokens in a header or in the query",
  ({ origin }) => ({
    runtime: "workerd",
    policy: {
      ...hs256({ origin, token: { sources: [{ header: "X-Token" }, { query: "t" }] } }),
      origin: "echo",
    },
    secrets: { SECRET },
  }),
  (test) => {
    test("shows no token", async ({ gate }) => {
      const token = hs256Token();
      /** @type {RequestInit[]} */
      const variants = [{ headers: { "X-Token": token } }, {}];
      for (const init of variants) {
        const response = await gate.fetch(init.headers ? "/api/a" : `/api/a?t=${token}&x=y`, init);
        assert.equal(response.status, 200);
        const text = await response.text();
        for (const segment of token.split(".")) assert.ok(!text.includes(segment), text);
      }
    });
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `encoded slashes in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({
        origin,
        errors: { detail: "reason" },
        routes: [
          { path: "/things/{name}", access: "public", encoded_slash: "allow" },
          { path: "/plain/*", access: "public" },
          { path: "/admin/*" },
        ],
      }),
      secrets: { SECRET },
    }),
    (test) => {
      test("attack 29: are forwarded only if allowed and unambiguous", async ({ gate, origin }) => {
        for (const target of [
          "/things/a%2Fb",
          "/things/a%2fb?c=%2F",
          "/things/%40scope%2Fname",
          "/things/x:%2F%2Fy",
        ]) {
          const seen = await assertAdmitted(await gate.raw({ target }), origin, target);
          assert.equal(seen.target, target);
        }
        for (const target of [
          "/plain/a%2Fb",
          "/nowhere/a%2Fb",
          "/admin/a%2Fb",
          "/things/..%2Fadmin",
          "/things/a%2F..%2F..%2Fadmin",
          "/things/%2Fadmin",
          "/things/a%2F",
          "/things/a%252Fb",
        ]) {
          await assertProblem(await gate.raw({ target }), 400, {
            detail: "ambiguous_path",
            why: target,
          });
          origin.expectNone(target);
        }
      });
    },
  );
}

for (const runtime of ["miniflare", "workerd"]) {
  for (const authorization of ["keep", "strip"]) {
    gateTest(
      `${authorization} changes no byte of a header that is forwarded, in ${runtime}`,
      options(runtime, { forward: { authorization } }),
      async ({ gate, origin }) => {
        origin.answerWith({ status: 200, headers: [["X-Latin", "caf\xe9"]] });
        // Bytes as Latin-1: one of them alone is not UTF-8, the other two are.
        const others = ["a=caf\xe9", "b=caf\xc3\xa9", 'c="d, e"'];
        /** @type {HeaderLine[]} */
        const headers = [
          ["Cookie", [`__Host-token=${hs256Token()}`, ...others].join("; ")],
          ["X-Latin", "caf\xe9"],
        ];
        const response = await gate.raw({ target: "/api/a", headers });
        assert.equal(response.status, 200);
        assert.equal(response.header("x-latin"), "caf\xe9");
        const seen = origin.expectOne();
        assert.equal(seen.header("x-latin"), "caf\xe9");
        // The runtime replaces the single byte before the gate can read it, so a cookie with it is
        // dropped if the header has to be written again.
        const cookies = authorization === "keep" ? headers[0]?.[1] : others.slice(1).join("; ");
        assert.equal(seen.header("cookie"), cookies);
      },
    );
  }
}
