// The kinds of origins besides a URL: a service binding, the zone, and the echo of the demo policy.

import assert from "node:assert/strict";
import path from "node:path";
import { experimental_readRawConfig } from "wrangler";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  gateTest,
  INVALID,
  policies,
  repository,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { Received } from "./harness/origin.mjs" */

const { hs256, hs256Token, SECRET } = policies;

withGate(
  "an origin behind a service binding",
  ({ origin }) => ({
    policy: hs256({ origin: "service:BACKEND" }),
    secrets: { SECRET },
    services: { BACKEND: origin.host },
  }),
  (test) => {
    test("receives the request with its URL unchanged", async ({ gate, origin }) => {
      const seen = await assertAdmitted(
        await gate.fetchWith(hs256Token(), "/api/a?b=c", { method: "POST", body: "x" }),
        origin,
      );
      assert.equal(seen.target, "/api/a?b=c");
      assert.equal(seen.header("host"), gate.host);
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.equal((await seen.body()).text, "x");
    });

    test("receives no refused requests", async ({ gate, origin }) => {
      await assertRefused(await gate.fetch("/api/a"), 401);
      await assertRefused(await gate.fetchWith("a.b.c", "/api/a"), 401, INVALID);
      await assertProblem(await gate.fetch("/unknown"), 404);
      origin.expectNone();
    });
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `a service binding with a policy that changes no request, in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({
        origin: "service:BACKEND",
        forward: {},
        routes: policies.ROUTES_AND_SHARED,
        token: { sources: ["authorization", { query: "access_token" }] },
      }),
      secrets: { SECRET },
      services: { BACKEND: origin.host },
    }),
    (test) => {
      /** @type {[name: string, value: string][]} */
      const sent = [
        ["Authorization", `Bearer ${hs256Token()}`],
        ["Accept", "*/*"],
        ["Cookie", "a=b; c=d"],
        ["X-Custom", "once"],
        ["X-Forwarded-Proto", "http"],
      ];
      const lines = (/** @type {Received} */ seen) =>
        seen.headerLines
          .map(([name, value]) => [name.toLowerCase(), value])
          .filter(([name]) => sent.some(([own]) => own.toLowerCase() === name));
      const ADDED = [
        "x-forwarded-host",
        "x-portcullis-hop",
        "cache-control",
        "pragma",
        "x-auth-subject",
      ];

      test("receives the request unchanged", async ({ gate, origin }) => {
        for (const method of ["GET", "HEAD", "DELETE"]) {
          const response = await gate.raw({
            method,
            target: "/shared/a%20b?c=%27d",
            headers: sent,
          });
          assert.equal(response.status, 200);
          const seen = origin.expectOne();
          assert.deepEqual([seen.method, seen.target], [method, "/shared/a%20b?c=%27d"]);
          assert.deepEqual(
            lines(seen).sort(),
            sent.map(([name, value]) => [name.toLowerCase(), value]).sort(),
          );
          for (const name of ADDED) assert.equal(seen.header(name), undefined, name);
        }
      });

      test("receives the body with its Content-Length", async ({ gate, origin }) => {
        const body = "x".repeat(100_000);
        for (const target of ["/shared/a", "/api/a"]) {
          const response = await gate.fetchWith(hs256Token(), target, { method: "PUT", body });
          const seen = await assertAdmitted(response, origin);
          assert.equal(seen.header("content-length"), "100000");
          assert.equal((await seen.body()).text, body);
        }
      });

      test("does not receive headers that a client must not set", async ({ gate, origin }) => {
        /** @type {[name: string, value: string][]} */
        const spoofed = [
          ["X-Forwarded-Host", "evil.example"],
          ["X_Forwarded_Host", "evil.example"],
          ["X-Forwarded-Proto", "ftp"],
          ["Forwarded", "host=evil.example"],
          ["X-Original-URL", "/admin"],
          ["X-HTTP-Method-Override", "DELETE"],
          ["X-Portcullis-Hop", "1"],
        ];
        for (const header of spoofed) {
          const response = await gate.raw({
            target: "/shared/a",
            headers: [...sent.slice(0, 1), ["X-Custom", "once"], header],
          });
          assert.equal(response.status, 200);
          const seen = origin.expectOne();
          assert.deepEqual(seen.values(header[0]), [], header[0]);
          assert.equal(seen.header("x-custom"), "once");
        }
      });

      test("does not receive a token that was in the query", async ({ gate, origin }) => {
        const response = await gate.raw({ target: `/shared/a?access_token=${hs256Token()}&b=c` });
        assert.equal(response.status, 200);
        assert.equal(origin.expectOne().target, "/shared/a?b=c");
      });

      test("receives no refused requests", async ({ gate, origin }) => {
        await assertRefused(await gate.fetch("/shared/a"), 401);
        await assertRefused(await gate.fetchWith("a.b.c", "/shared/a"), 401, INVALID);
        origin.expectNone();
      });
    },
  );
}

gateTest(
  "answers 502 if a service binding throws",
  {
    policy: hs256({ origin: "service:BACKEND", routes: policies.ROUTES_AND_SHARED, forward: {} }),
    secrets: { SECRET },
    services: { BACKEND: "backend" },
    workers: [
      {
        name: "backend",
        modules: [
          {
            type: "ESModule",
            path: "backend.js",
            contents: 'export default { fetch() { throw new Error("canary"); } };',
          },
        ],
        compatibilityDate: "2026-10-01",
      },
    ],
  },
  async ({ gate }) => {
    for (const target of ["/api/a", "/shared/a"]) {
      const { text } = await assertProblem(await gate.fetchWith(hs256Token(), target), 502);
      assert.doesNotMatch(text, /canary/);
    }
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  gateTest(
    `answers 508 if the zone is the origin and the request returns to the gate, in ${runtime}`,
    { runtime, policy: hs256({ origin: "zone" }), secrets: { SECRET } },
    async ({ gate }) => {
      await assertProblem(await gate.fetchWith(hs256Token(), "/api/a"), 508);
      await assertProblem(await gate.fetch("/public/a"), 508);
      await assertRefused(await gate.fetch("/api/a"), 401);
    },
  );
}

const { rawConfig } = experimental_readRawConfig({
  config: path.join(repository, "wrangler.toml"),
});
const demo = rawConfig.vars.POLICY;

withGate(
  "the demo policy of wrangler.toml",
  { policy: demo, secrets: { DEMO_SECRET: SECRET } },
  (test) => {
    const [issuer] = demo.issuers;
    const token = (changes = {}) =>
      tokens.token({
        alg: "HS256",
        key: SECRET,
        payload: {
          iss: issuer.issuer,
          aud: issuer.audience[0],
          sub: "demo",
          exp: tokens.now() + 600,
          ...changes,
        },
      });

    const echo = async (/** @type {Response} */ response) => {
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return { ...JSON.parse(text), text };
    };

    test("shows the request that would have been forwarded", async ({ gate }) => {
      const good = token({ scope: "read write" });
      const shown = await echo(
        await gate.fetchWith(good, "/api/items?a=b", { headers: { Cookie: "session=canary" } }),
      );
      assert.equal(shown.method, "GET");
      assert.equal(new URL(shown.url).pathname, "/api/items");
      assert.equal(shown.headers["x-auth-subject"], "demo");
      assert.equal(shown.headers["x-auth-scope"], "read write");
      assert.ok(
        !shown.text.includes(good) && !shown.text.includes("canary"),
        "the echo shows credentials",
      );
    });

    test("gives the responses that the README describes", async ({ gate }) => {
      const realm = { realm: demo.realm };
      const good = token();
      await assertRefused(await gate.fetch("/api/items"), 401, {}, realm);
      await assertRefused(
        await gate.fetchWith(tokens.withChangedCharacter(good, good.length - 5), "/api/items"),
        401,
        INVALID,
        realm,
      );
      await assertRefused(
        await gate.fetchWith(token({ exp: tokens.now() - 600 }), "/api/items"),
        401,
        EXPIRED,
        realm,
      );
      await assertProblem(await gate.fetch("/unknown"), 404);
      await echo(await gate.fetch("/public/page"));
      await echo(await gate.fetch("/optional/page"));
      assert.equal((await gate.fetchWith(good, "/admin/page")).status, 403);
      await echo(await gate.fetchWith(token({ scope: "admin" }), "/admin/page"));
      const head = await gate.raw({ method: "HEAD", target: "/public/page" });
      assert.deepEqual([head.status, head.rest.length], [200, 0]);
    });

    test("returns the echo with a content type that browsers do not execute", async ({ gate }) => {
      const response = await gate.fetch("/public/<script>alert(1)</script>?<script>", {
        headers: { "X-Html": "<script>" },
      });
      assert.match(
        response.headers.get("content-type") ?? "",
        /^(application\/json|application\/problem\+json)/,
      );
      await response.text();
    });
  },
);
