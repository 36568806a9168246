// The origin's response is returned unchanged. If there is none, the gate answers with an error.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { after } from "node:test";
import { gzipSync } from "node:zlib";
import {
  assertProblem,
  gateTest,
  onlyChallenge,
  policies,
  signal,
  withGate,
} from "./harness/index.mjs";

/** @import { AddressInfo } from "node:net" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { TestPolicy } from "./harness/policies.mjs" */

const { hs256, hs256Token, SECRET } = policies;

/**
 * How requests are forwarded: as a new request, or as the incoming request itself.
 *
 * @type {Record<string, (origin: Origin) => GateOptions & {policy: TestPolicy}>}
 */
const WAYS = {
  "a new request": (origin) => ({
    policy: hs256({ origin, routes: policies.ROUTES_AND_SHARED }),
  }),
  "the unchanged request": (origin) => ({
    policy: hs256({ origin: "service:BACKEND", routes: policies.ROUTES_AND_SHARED, forward: {} }),
    services: { BACKEND: origin.host },
  }),
};

const RUNTIMES = ["miniflare", "workerd"];

for (const { runtime, way, configure } of RUNTIMES.flatMap((runtime) =>
  Object.entries(WAYS).map(([way, configure]) => ({ runtime, way, configure })),
)) {
  withGate(
    `the origin's response to ${way} in ${runtime}`,
    ({ origin }) => ({ runtime, secrets: { SECRET }, ...configure(origin) }),
    (test) => {
      const withToken = (/** @type {string[][]} */ more = []) => [
        ["Authorization", `Bearer ${hs256Token()}`],
        ...more,
      ];

      test("RFC 9110 section 15.4: a redirect is returned, not followed", async ({
        gate,
        origin,
      }) => {
        for (const status of [301, 302, 303, 307, 308]) {
          for (const [method, target] of /** @type {const} */ ([
            ["GET", "/api/a"],
            ["GET", "/shared/a"],
            ["POST", "/api/a"],
            ["POST", "/shared/a"],
          ])) {
            for (const location of ["/relative", "https://other.example/"]) {
              origin.answerWith({ status, headers: { Location: location } });
              const response = await gate.raw({ method, target, headers: withToken() });
              assert.equal(response.status, status);
              assert.equal(response.header("location"), location);
              assert.equal(origin.expectOne().target, target);
            }
          }
        }
      });

      test("RFC 9110 section 15.4.5: 304 and 204 are returned without a body", async ({
        gate,
        origin,
      }) => {
        for (const status of [304, 204]) {
          origin.answerWith({ status, headers: { ETag: '"x"' } });
          const response = await gate.raw({
            target: "/api/a",
            headers: withToken([["If-None-Match", '"x"']]),
          });
          assert.equal(response.status, status);
          assert.equal(response.header("etag"), '"x"');
          assert.equal(response.rest.length, 0);
          assert.equal(origin.expectOne().header("if-none-match"), '"x"');
        }
      });

      test("errors of the origin are returned unchanged", async ({ gate, origin }) => {
        for (const status of [400, 401, 403, 404, 405, 418, 429, 500, 503]) {
          const challenge = 'Digest realm="theirs", qop="auth"';
          origin.answerWith({
            status,
            headers: { "WWW-Authenticate": challenge, "Content-Type": "text/x-theirs" },
            body: "theirs",
          });
          const response = await gate.raw({ target: "/api/a", headers: withToken() });
          assert.equal(response.status, status);
          assert.equal(
            onlyChallenge(response.header("www-authenticate") ?? "").parameters.realm,
            "theirs",
          );
          assert.equal(response.header("content-type"), "text/x-theirs");
          assert.equal(response.text, "theirs");
          origin.expectOne();
        }
      });

      test("every header line is returned, including repeated ones", async ({ gate, origin }) => {
        /** @type {[name: string, value: string][]} */
        const headers = [
          ["Set-Cookie", "a=1; Path=/"],
          ["Set-Cookie", "b=2; HttpOnly"],
          ["X-Custom", "value"],
          ["Vary", "Origin"],
          ["Cache-Control", "private, max-age=5"],
          ["Link", "</x>; rel=next"],
          ["X-Auth-Subject", "said by the origin"],
        ];
        origin.answerWith({ headers, body: "x" });
        const response = await gate.raw({ target: "/api/a", headers: withToken() });
        assert.deepEqual(response.values("set-cookie"), ["a=1; Path=/", "b=2; HttpOnly"]);
        for (const [name, value] of headers.slice(2))
          assert.deepEqual(response.values(name), [value]);
        origin.expectOne();
      });

      test("RFC 9110 section 8.4: a content coding is not decoded", async ({ gate, origin }) => {
        const coded = gzipSync("compressed by the origin");
        origin.answerWith({
          headers: { "Content-Encoding": "gzip", "Content-Type": "text/plain" },
          body: coded,
        });
        const response = await gate.raw({
          target: "/api/a",
          headers: withToken([["Accept-Encoding", "gzip"]]),
        });
        assert.equal(response.header("content-encoding"), "gzip");
        assert.deepEqual(response.body, coded);
        assert.match(origin.expectOne().header("accept-encoding") ?? "", /gzip/);
      });

      test("RFC 9110 section 14: a range request is forwarded", async ({ gate, origin }) => {
        origin.answerWith({
          status: 206,
          headers: { "Content-Range": "bytes 0-2/10" },
          body: "abc",
        });
        const response = await gate.raw({
          target: "/api/a",
          headers: withToken([["Range", "bytes=0-2"]]),
        });
        assert.equal(response.status, 206);
        assert.equal(response.header("content-range"), "bytes 0-2/10");
        assert.equal(origin.expectOne().header("range"), "bytes=0-2");
      });

      test("answers 502 if the origin closes the connection without a response", async ({
        gate,
        origin,
      }) => {
        origin.answerWith((received, response, message) => message.socket.destroy());
        await assertProblem(await gate.raw({ target: "/api/a", headers: withToken() }), 502);
        assert.ok(origin.take().length >= 1);
        origin.answerWith({ body: "back again" });
        const response = await gate.raw({ target: "/api/a", headers: withToken() });
        assert.equal(response.text, "back again");
        origin.expectOne();
      });

      test("shared caches must not store or reuse responses on protected routes", async ({
        gate,
        origin,
      }) => {
        await gate.raw({ target: "/api/a", headers: withToken() });
        assert.match(origin.expectOne().header("cache-control") ?? "", /no-cache|no-store/);
        await gate.raw({ target: "/optional/a" });
        assert.match(origin.expectOne().header("cache-control") ?? "", /no-cache|no-store/);
        for (const target of ["/public/a", "/shared/a"]) {
          await gate.raw({ target, headers: withToken() });
          const seen = origin.expectOne();
          assert.deepEqual(
            [seen.header("cache-control"), seen.header("pragma")],
            [undefined, undefined],
          );
        }
      });
    },
  );
}

/**
 * Returns a port on which no server listens. The port stays occupied by the local end of a
 * connection. A port that was only released could be taken by a server of another test file.
 */
async function deadPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());
  const holder = connect(port, "127.0.0.1");
  await once(holder, "connect");
  after(() => {
    holder.destroy();
    server.close();
  });
  return holder.localPort;
}

const dead = await deadPort();

for (const runtime of RUNTIMES) {
  gateTest(
    `answers 502 if the origin cannot be reached in ${runtime}`,
    {
      runtime,
      policy: hs256({ origin: `http://127.0.0.1:${dead}`, errors: { detail: "reason" } }),
      secrets: { SECRET },
    },
    async ({ gate }) => {
      await assertProblem(await gate.fetchWith(hs256Token(), "/api/a"), 502, {
        detail: "origin_unreachable",
      });
      await assertProblem(await gate.fetch("/public/a", { method: "POST", body: "x" }), 502, {
        detail: "origin_unreachable",
      });
      const head = await gate.raw({ method: "HEAD", target: "/public/a" });
      await assertProblem(head, 502, { head: true });
    },
  );
}

for (const [way, configure] of Object.entries(WAYS)) {
  gateTest(
    `answers 504 if the origin does not respond in time to ${way}`,
    ({ origin }) => {
      const { policy, ...rest } = configure(origin);
      return {
        policy: { ...policy, origin_timeout: 1, errors: { detail: "reason" } },
        secrets: { SECRET },
        ...rest,
      };
    },
    async ({ gate, origin }) => {
      const never = signal();
      origin.answerWith(() => never.promise);
      for (const target of ["/api/a", "/shared/a"]) {
        await assertProblem(await gate.fetchWith(hs256Token(), target), 504, {
          detail: "origin_timeout",
        });
        origin.expectOne();
        const streamed = { method: "POST", body: "x" };
        await assertProblem(await gate.fetchWith(hs256Token(), target, streamed), 504, {
          detail: "origin_timeout",
        });
        origin.expectOne();
      }
      never.resolve();
    },
  );
}

gateTest(
  "origin_timeout applies only until the origin's headers arrive, not to a slow body",
  ({ origin }) => ({ policy: hs256({ origin, origin_timeout: 1 }), secrets: { SECRET } }),
  async ({ gate, origin }) => {
    const later = signal();
    origin.answerWith(async (received, response) => {
      response.writeHead(200);
      response.write("first");
      await later.promise;
      response.end(" and last");
    });
    const slow = await gate.fetchWith(hs256Token(), "/api/slow");
    origin.expectOne();
    // A second request exceeds the limit, so the limit has passed for the first request too.
    origin.answerWith(() => later.promise);
    await assertProblem(await gate.fetchWith(hs256Token(), "/api/hangs"), 504);
    origin.expectOne();
    later.resolve();
    assert.equal(await slow.text(), "first and last");
  },
);
