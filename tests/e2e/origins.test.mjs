// Where admitted requests can go: a URL (every other test), a service binding, the zone, or nowhere (echo, the demo).

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

const { hs256, hs256Token, SECRET } = policies;

withGate(
  "an origin behind a service binding",
  ({ origin }) => ({
    policy: hs256({ origin: "service:BACKEND" }),
    secrets: { SECRET },
    services: { BACKEND: origin.host },
  }),
  (test) => {
    test("gets the request with the URL as it came", async ({ gate, origin }) => {
      const seen = await assertAdmitted(
        await gate.fetchWith(hs256Token(), "/api/a?b=c", { method: "POST", body: "x" }),
        origin,
      );
      assert.equal(seen.target, "/api/a?b=c");
      assert.equal(seen.header("host"), gate.host);
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.equal((await seen.body()).text, "x");
    });

    test("gets nothing that is refused", async ({ gate, origin }) => {
      await assertRefused(await gate.fetch("/api/a"), 401);
      await assertRefused(await gate.fetchWith("a.b.c", "/api/a"), 401, INVALID);
      await assertProblem(await gate.fetch("/unknown"), 404);
      origin.expectNone();
    });
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `what a service binding gets where nothing is to change in ${runtime}`,
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
      const sent = [
        ["Authorization", `Bearer ${hs256Token()}`],
        ["Accept", "*/*"],
        ["Cookie", "a=b; c=d"],
        ["X-Custom", "once"],
        ["X-Forwarded-Proto", "http"],
      ];
      const lines = (seen) =>
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

      test("is the request as it came", async ({ gate, origin }) => {
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

      test("is its body, as long as it was", async ({ gate, origin }) => {
        const body = "x".repeat(100_000);
        for (const target of ["/shared/a", "/api/a"]) {
          const response = await gate.fetchWith(hs256Token(), target, { method: "PUT", body });
          const seen = await assertAdmitted(response, origin);
          assert.equal(seen.header("content-length"), "100000");
          assert.equal((await seen.body()).text, body);
        }
      });

      test("is nothing that a client may not say", async ({ gate, origin }) => {
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
            headers: [sent[0], ["X-Custom", "once"], header],
          });
          assert.equal(response.status, 200);
          const seen = origin.expectOne();
          assert.deepEqual(seen.values(header[0]), [], header[0]);
          assert.equal(seen.header("x-custom"), "once");
        }
      });

      test("is no token that was in its query", async ({ gate, origin }) => {
        const response = await gate.raw({ target: `/shared/a?access_token=${hs256Token()}&b=c` });
        assert.equal(response.status, 200);
        assert.equal(origin.expectOne().target, "/shared/a?b=c");
      });

      test("is nothing of what is refused", async ({ gate, origin }) => {
        await assertRefused(await gate.fetch("/shared/a"), 401);
        await assertRefused(await gate.fetchWith("a.b.c", "/shared/a"), 401, INVALID);
        origin.expectNone();
      });
    },
  );
}

gateTest(
  "a service binding that throws is a 502",
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
    `the zone as origin: a request that comes back to the gate is a 508 in ${runtime}`,
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

    const echo = async (response) => {
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return { ...JSON.parse(text), text };
    };

    test("shows what would have been sent", async ({ gate }) => {
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
        "credentials are not shown",
      );
    });

    test("answers as its README says", async ({ gate }) => {
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

    test("echoes nothing that a page could run", async ({ gate }) => {
      const response = await gate.fetch("/public/<script>alert(1)</script>?<script>", {
        headers: { "X-Html": "<script>" },
      });
      assert.match(
        response.headers.get("content-type"),
        /^(application\/json|application\/problem\+json)/,
      );
      await response.text();
    });
  },
);
