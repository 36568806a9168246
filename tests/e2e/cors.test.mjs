// Requests from pages of other origins (WHATWG Fetch section 3.3), and the metadata from which
// clients learn where to get tokens (RFC 9728).

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  gateTest,
  INVALID,
  policies,
  withGate,
} from "./harness/index.mjs";

/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, ISSUER, SECRET } = policies;

const APP = "https://app.example.com";

/** @param {string | null} field */
const names = (field) => (field ?? "").split(", ").sort();

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `CORS in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({ origin, cors: { allow_origins: [APP], max_age: 600 } }),
      secrets: { SECRET },
    }),
    (test) => {
      /**
       * @param {Running} gate
       * @param {string} target
       * @param {Record<string, string>} [headers]
       */
      const preflight = (gate, target, headers = {}) =>
        gate.fetch(target, {
          method: "OPTIONS",
          headers: { Origin: APP, "Access-Control-Request-Method": "DELETE", ...headers },
        });

      test("the gate answers preflights, which do not reach the origin", async ({
        gate,
        origin,
      }) => {
        for (const [target, methods] of /** @type {const} */ ([
          ["/api/a", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]],
          ["/public/a", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]],
          ["/read-only/a", ["GET", "HEAD"]],
        ])) {
          const response = await preflight(gate, target, {
            "Access-Control-Request-Headers": "authorization,x-requested-with",
          });
          assert.equal(response.status, 204, target);
          assert.equal(await response.text(), "");
          const header = (/** @type {string} */ name) => response.headers.get(name);
          assert.equal(header("access-control-allow-origin"), APP);
          assert.deepEqual(names(header("access-control-allow-methods")), methods);
          assert.deepEqual(names(header("access-control-allow-headers")), [
            "authorization",
            "x-requested-with",
          ]);
          assert.equal(header("access-control-max-age"), "600");
          assert.equal(header("access-control-allow-credentials"), null);
          assert.match(header("vary") ?? "", /\bOrigin\b/);
          origin.expectNone(target);
        }
      });

      test("a preflight from a page that is not allowed gets no CORS headers", async ({
        gate,
        origin,
      }) => {
        const response = await preflight(gate, "/api/a", { Origin: "https://evil.example" });
        assert.equal(response.status, 204);
        assert.deepEqual(
          [...response.headers.keys()].filter((name) => name.startsWith("access-control-")),
          [],
        );
        origin.expectNone();
      });

      test("other OPTIONS requests and preflights for invalid paths are treated as usual", async ({
        gate,
        origin,
      }) => {
        await assertRefused(await gate.fetch("/api/a", { method: "OPTIONS" }), 401);
        await assertRefused(
          await gate.fetch("/api/a", { method: "OPTIONS", headers: { Origin: APP } }),
          401,
        );
        await assertProblem(await preflight(gate, "/nowhere"), 404);
        await assertProblem(await preflight(gate, "/api/a%2Fb"), 400);
        origin.expectNone();
        const response = await gate.fetchWith(hs256Token(), "/api/a", { method: "OPTIONS" });
        assert.equal((await assertAdmitted(response, origin)).method, "OPTIONS");
      });

      test("only allowed pages can read a refusal and its challenge", async ({ gate, origin }) => {
        const refused = async (/** @type {string} */ from) => {
          const response = await gate.fetchWith("a.b.c", "/api/a", { headers: { Origin: from } });
          await assertRefused(response, 401, INVALID);
          return response.headers;
        };
        const headers = await refused(APP);
        assert.equal(headers.get("access-control-allow-origin"), APP);
        assert.match(headers.get("access-control-expose-headers") ?? "", /WWW-Authenticate/);
        assert.match(headers.get("vary") ?? "", /Origin/);
        const others = await refused("https://evil.example");
        assert.equal(others.get("access-control-allow-origin"), null);
        assert.match(others.get("vary") ?? "", /Origin/);
        origin.expectNone();
      });

      test("the origin's responses are returned unchanged", async ({ gate, origin }) => {
        origin.answerWith({
          headers: { "X-Origin": "reached", "Access-Control-Allow-Origin": "https://its.own" },
        });
        const response = await gate.fetchWith(hs256Token(), "/api/a", { headers: { Origin: APP } });
        assert.equal(response.headers.get("access-control-allow-origin"), "https://its.own");
        assert.equal(response.headers.get("access-control-expose-headers"), null);
        const seen = await assertAdmitted(response, origin);
        assert.equal(seen.header("origin"), APP);
      });
    },
  );

  withGate(
    `the metadata of the resource in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({
        origin,
        resource: {
          identifier: "https://api.example.com/v1",
          authorization_servers: [ISSUER],
          scopes_supported: ["read", "admin"],
        },
      }),
      secrets: { SECRET },
    }),
    (test) => {
      const PATH = "/.well-known/oauth-protected-resource/v1";

      test("RFC 9728 section 3: can be read without a token", async ({ gate, origin }) => {
        const response = await gate.fetch(PATH);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), "application/json");
        assert.equal(response.headers.get("access-control-allow-origin"), "*");
        assert.deepEqual(await response.json(), {
          resource: "https://api.example.com/v1",
          authorization_servers: [ISSUER],
          scopes_supported: ["read", "admin"],
          bearer_methods_supported: ["header"],
        });
        const head = await gate.raw({ method: "HEAD", target: PATH });
        assert.deepEqual([head.status, head.rest.length], [200, 0]);
        const preflight = await gate.fetch(PATH, {
          method: "OPTIONS",
          headers: { Origin: APP, "Access-Control-Request-Method": "GET" },
        });
        assert.equal(preflight.status, 204);
        assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
        await assertProblem(await gate.fetch(PATH, { method: "POST", body: "x" }), 405);
        await assertProblem(await gate.fetch("/.well-known/oauth-protected-resource"), 404);
        origin.expectNone();
      });

      test("RFC 9728 section 5.1: its URL is in every challenge, regardless of Host", async ({
        gate,
        origin,
      }) => {
        const resource_metadata = `https://api.example.com${PATH}`;
        await assertRefused(await gate.fetch("/api/a"), 401, { resource_metadata });
        await assertRefused(await gate.fetchWith("a.b.c", "/api/a"), 401, {
          ...INVALID,
          resource_metadata,
        });
        const elsewhere = await gate.raw({
          bare: true,
          target: "/api/a",
          headers: [
            ["Host", "evil.example"],
            ["Connection", "close"],
          ],
        });
        await assertRefused(elsewhere, 401, { resource_metadata });
        origin.expectNone();
      });
    },
  );
}

for (const service of [false, true]) {
  gateTest(
    `with responses = true, the gate adds the headers to the API's responses${
      service ? " from a service binding" : ""
    }`,
    ({ origin }) => ({
      policy: hs256({
        origin: service ? "service:API" : origin.url,
        cors: { allow_origins: [APP], responses: true, expose_headers: ["ETag"] },
        forward: {},
      }),
      secrets: { SECRET },
      ...(service && { services: { API: origin.host } }),
    }),
    async ({ gate, origin }) => {
      const ask = (/** @type {Record<string, string>} */ headers) =>
        gate.fetchWith(hs256Token(), "/api/a", { headers });
      const shared = (/** @type {Response} */ { headers }) => [
        headers.get("access-control-allow-origin"),
        headers.get("vary"),
        headers.get("access-control-expose-headers"),
      ];
      origin.answerWith({ headers: { Vary: "Accept", ETag: '"1"' }, body: "the body" });
      const response = await ask({ Origin: APP });
      assert.deepEqual(shared(response), [APP, "Accept, Origin", "ETag"]);
      assert.equal(await response.text(), "the body");
      origin.expectOne();
      assert.deepEqual(shared(await ask({ Origin: "https://evil.example" })), [
        null,
        "Accept, Origin",
        null,
      ]);
      origin.expectOne();
      assert.deepEqual(shared(await ask({})), [null, "Accept, Origin", null]);
      origin.expectOne();
      // An API that decides by itself is not overruled.
      origin.answerWith({ headers: { "Access-Control-Allow-Origin": "https://own.example" } });
      assert.deepEqual(shared(await ask({ Origin: APP })), ["https://own.example", null, null]);
      origin.expectOne();
      // Without a body, as a redirect, and from an origin that fails.
      for (const status of [204, 304, 302, 500]) {
        origin.answerWith({ status, headers: { Location: "/b" } });
        const answer = await ask({ Origin: APP });
        assert.deepEqual([answer.status, ...shared(answer)], [status, APP, "Origin", "ETag"]);
        origin.expectOne();
      }
    },
  );
}
