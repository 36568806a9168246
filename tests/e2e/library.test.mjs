// The package as a library: Workers that import it and are the API themselves.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, it } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import {
  assertProblem,
  assertRefused,
  BoundClient,
  EXPIRED,
  INTROSPECTION,
  introspecting,
  INVALID,
  policies,
  providerTest,
  tokens,
} from "./harness/index.mjs";
import { withGate } from "./harness/gate.mjs";
import { bundled, copied, packageFolder } from "./harness/library.mjs";

/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;
const OTHER_SECRET = "another secret than the first, which is long enough for HS256";
const PROOF_SECRET = "the secret with which the gate proves that it has seen a request";
const secrets = { SECRET, OTHER_SECRET, PROOF_SECRET };

const folder = packageFolder();
const fixtures = copied(folder, "tests/e2e/fixtures/library");
const library = bundled(path.join(fixtures, "worker.ts"));

/**
 * A token of one of the issuers in `worker.ts`.
 *
 * @param {string} name
 * @param {string} key
 * @param {Record<string, unknown>} [changes]
 */
const tokenOf = (name, key, changes) =>
  tokens.token({
    key,
    payload: {
      iss: `https://${name}.example/`,
      aud: "api",
      sub: "u",
      exp: tokens.now() + 60,
      ...changes,
    },
  });

/**
 * Asserts what `authenticate` returned.
 *
 * @param {Response} response
 * @param {Record<string, unknown>} expected
 */
async function assertIdentity(response, expected) {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const { claims, ...rest } = JSON.parse(text);
  const { claims: wanted, ...others } = expected;
  assert.deepEqual({ claims, ...rest }, { claims: wanted, dpopNonce: null, ...others });
}

/**
 * The decisions in the log of a Worker that has been stopped.
 *
 * @param {Running} gate
 */
async function decisions(gate) {
  await gate.stop();
  return gate.logs.structured.filter(({ event }) => event === "decision");
}

const policy = (/** @type {{url: string}} */ origin) =>
  hs256({
    origin: origin.url,
    cors: { allow_origins: ["https://app.example.com"] },
    resource: {
      identifier: "https://elsewhere.example.com/",
      authorization_servers: ["https://issuer.example/"],
    },
    log: { decisions: "all" },
    routes: [...policies.ROUTES, { path: "/report/*", mode: "report", scopes: ["admin"] }],
  });

/** The parameter of challenges that refers to the metadata. */
const resource_metadata = "https://elsewhere.example.com/.well-known/oauth-protected-resource";

withGate(
  "authenticate by the policy in the variable POLICY",
  ({ origin }) => ({ runtime: "workerd", modules: library, policy: policy(origin), secrets }),
  (test) => {
    test("returns the identity of a token, and fetches nothing", async ({ gate, origin }) => {
      const claims = policies.claims({ scope: "read write", nested: { a: [1, null] } });
      const token = tokens.token({ key: SECRET, payload: claims });
      // The third use of a token is the first that the cache answers.
      for (let use = 0; use < 3; use += 1) {
        const response = await gate.fetchWith(token, "/api/a");
        const { host } = new URL(gate.url);
        await assertIdentity(response, {
          claims,
          scopes: ["read", "write"],
          issuer: "issuer",
          route: "/api/*",
          headers: [
            ["x-auth-scope", "read write"],
            ["x-auth-subject", "user-1"],
            ["x-forwarded-host", host],
            ["x-forwarded-proto", "http"],
          ],
        });
      }
      origin.expectNone();
    });

    test("returns no claims for anonymous requests", async ({ gate }) => {
      for (const [target, route] of [
        ["/public/a", "/public/*"],
        ["/optional/a", "/optional/*"],
      ]) {
        const response = await gate.fetch(String(target));
        const { headers, ...rest } = await response.json();
        const dpopNonce = null;
        assert.deepEqual(rest, { claims: null, scopes: [], issuer: null, route, dpopNonce });
        assert.ok(headers.every(([name = ""]) => name.startsWith("x-forwarded-")));
      }
    });

    test("returns no claims if report mode sets a refusal aside", async ({ gate }) => {
      const response = await gate.fetchWith(hs256Token({ scope: "read" }), "/report/a");
      const { claims, scopes, issuer } = await response.json();
      assert.deepEqual([claims, scopes, issuer], [null, [], null]);
      const line = await gate.logs.waitFor((book) =>
        book.structured.find(({ decision }) => decision === "reported"),
      );
      assert.deepEqual([line.code, line.route], ["insufficient_scope", "/report/*"]);
    });

    test("returns the standard refusals", async ({ gate }) => {
      await assertRefused(await gate.fetch("/api/a"), 401, { resource_metadata });
      const forged = tokens.token({ key: OTHER_SECRET, payload: policies.claims() });
      await assertRefused(await gate.fetchWith(forged, "/api/a"), 401, {
        ...INVALID,
        resource_metadata,
      });
      const expired = hs256Token({ exp: tokens.now() - 3600 });
      await assertRefused(await gate.fetchWith(expired, "/api/a"), 401, {
        ...EXPIRED,
        resource_metadata,
      });
      const poor = await gate.fetchWith(hs256Token({ scope: "read" }), "/admin/a");
      await assertRefused(poor, 403, {
        error: "insufficient_scope",
        error_description: /./,
        scope: "admin",
        resource_metadata,
      });
      await assertProblem(await gate.fetch("/nowhere"), 404);
      await assertProblem(await gate.fetch("/read-only/a", { method: "POST" }), 405);
    });

    test("returns what the gate responds itself", async ({ gate }) => {
      const preflight = await gate.fetch("/api/a", {
        method: "OPTIONS",
        headers: { Origin: "https://app.example.com", "Access-Control-Request-Method": "GET" },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get("access-control-allow-origin"), "https://app.example.com");
      const metadata = await gate.fetch("/.well-known/oauth-protected-resource");
      assert.equal((await metadata.json()).resource, "https://elsewhere.example.com/");
    });

    test("forwards with `fetch` in the same Worker", async ({ gate, origin }) => {
      const headers = { "X-Way": "fetch" };
      const response = await gate.fetchWith(hs256Token(), "/api/a", { headers });
      assert.equal(response.status, 200);
      assert.equal(origin.expectOne().header("x-auth-subject"), "user-1");
      await assertRefused(await gate.fetch("/api/a", { headers }), 401, { resource_metadata });
    });

    test("logs the decisions", async ({ gate }) => {
      const logged = await decisions(gate);
      const admitted = logged.filter(
        ({ decision, route }) => decision === "admitted" && route === "/api/*",
      );
      assert.deepEqual(
        admitted.map(({ status, issuer, cache }) => ({ status, issuer, cache })),
        [
          { status: null, issuer: "issuer", cache: "miss" },
          { status: null, issuer: "issuer", cache: "miss" },
          { status: null, issuer: "issuer", cache: "hit" },
          { status: 200, issuer: "issuer", cache: "miss" },
        ],
      );
      const codes = new Set(logged.map(({ code }) => code));
      for (const code of [
        "missing_token",
        "bad_signature",
        "expired",
        "insufficient_scope",
        "no_route",
      ])
        assert.ok(codes.has(code), `${code} in ${[...codes].join()}`);
    });
  },
);

withGate(
  "a policy without an origin",
  {
    runtime: "workerd",
    modules: library,
    policy: (({ origin, ...rest }) => rest)(hs256({ origin: "echo" })),
    secrets,
  },
  (test) => {
    test("authenticates, and does not forward", async ({ gate }) => {
      const identity = await gate.fetchWith(hs256Token(), "/api/a");
      assert.equal((await identity.json()).claims.sub, "user-1");
      for (const target of ["/api/a", "/public/a", "/api/a"]) {
        const response = await gate.fetchWith(hs256Token(), target, {
          headers: { "X-Way": "fetch" },
        });
        await assertProblem(response, 500, { why: target });
      }
      const again = await gate.fetchWith(hs256Token(), "/api/a");
      assert.equal(again.status, 200);
      await gate.stop();
      const faults = gate.logs.structured.filter(({ event }) => event === "policy_fault");
      assert.deepEqual(
        faults.map(({ path, problem }) => [path, problem]),
        [["origin", "missing"]],
      );
    });
  },
);

withGate(
  "gates with policies of their own",
  { runtime: "workerd", modules: library, secrets },
  (test) => {
    const by = (/** @type {string} */ name, way = "authenticate") => ({
      headers: { "X-Gate": name, "X-Way": way },
    });

    test("each judge by their own policy, whichever is used first", async ({ gate }) => {
      const one = tokenOf("first", SECRET);
      const two = tokenOf("second", OTHER_SECRET, { scope: "read" });
      for (let turn = 0; turn < 3; turn += 1) {
        const identity = await gate.fetchWith(one, "/first/a", by("first"));
        const { issuer, route, claims } = await identity.json();
        assert.deepEqual([issuer, route, claims.sub], ["first", "/first/*", "u"]);
        const other = await gate.fetchWith(two, "/second/a", by("second"));
        assert.deepEqual((await other.json()).scopes, ["read"]);
        await assertRefused(await gate.fetchWith(two, "/first/a", by("first")), 401, INVALID, {
          realm: "first",
        });
        await assertRefused(await gate.fetchWith(one, "/second/a", by("second")), 401, INVALID, {
          realm: "second",
        });
        await assertProblem(await gate.fetchWith(one, "/second/a", by("first")), 404);
      }
    });

    test("forward by their own policy", async ({ gate }) => {
      const echo = await gate.fetchWith(tokenOf("first", SECRET), "/first/a", by("first", "fetch"));
      assert.match((await echo.json()).url, /\/first\/a$/);
      // The substitute for the origin's response is made by the policy of the same gate.
      await assertProblem(await gate.fetch("/unreachable", by("second", "fetch")), 502);
    });

    test("compare with their own candidate policy", async ({ gate }) => {
      await gate.fetchWith(tokenOf("second", OTHER_SECRET), "/second/b", by("second"));
      const line = await gate.logs.waitFor((book) =>
        book.structured.find(({ event }) => event === "candidate"),
      );
      assert.equal(line.enforced, "admitted");
      assert.equal(line.candidate, "refused: insufficient_scope");
    });

    test("return the headers for an upstream", async ({ gate }) => {
      const response = await gate.fetchWith(tokenOf("first", SECRET), "/first/a", by("proving"));
      const { headers } = await response.json();
      const { "x-portcullis-proof": proof = "", ...rest } = Object.fromEntries(headers);
      assert.equal(rest["x-subject"], "u");
      assert.equal(rest["x-api-key"], OTHER_SECRET);
      const [head, payload, signature] = tokens.segments(proof);
      const expected = tokens.signatureOver(`${head}.${payload}`, {
        alg: "HS256",
        key: PROOF_SECRET,
      });
      assert.equal(signature, tokens.base64url(expected));
      const { aud, sub } = JSON.parse(Buffer.from(payload, "base64url").toString());
      assert.deepEqual([aud, sub], ["https://upstream.example", "u"]);
    });

    test("may have policies of 256 KiB", async ({ gate }) => {
      const response = await gate.fetch("/service-1999/7/a", by("largest"));
      await assertIdentity(response, {
        claims: null,
        scopes: [],
        issuer: null,
        route: "/service-1999/{id}/*",
        headers: [],
      });
    });

    test("need no origin to authenticate", async ({ gate }) => {
      assert.equal((await gate.fetch("/a", by("without-origin"))).status, 200);
      await assertProblem(await gate.fetch("/a", by("without-origin", "fetch")), 500);
    });

    test("answer 500 to every request if the policy is invalid", async ({ gate }) => {
      for (const name of ["invalid", "too-large", "absent"]) {
        for (const way of ["authenticate", "fetch", "authenticate"])
          await assertProblem(await gate.fetch("/", by(name, way)), 500, { why: name });
      }
      await gate.stop();
      const faults = gate.logs.structured.filter(({ event }) => event === "policy_fault");
      const said = faults.map(({ path, problem }) => `${path}: ${problem}`);
      assert.deepEqual(said, [
        "origin: missing",
        "orgin: unknown key",
        'routes[0].access: "pubic" is not an accepted value',
        ": the policy has 262145 bytes as JSON, and 256 KiB are the limit",
        ": the policy is empty",
      ]);
    });
  },
);

const IDENTITY = { issuer: "https://gate.example.com", audience: "https://internal.example" };
const NONCE = "what only the gate has, for the nonces of its clients";

for (const header of ["Authorization", "X-Identity"]) {
  providerTest(
    `authenticate returns a signed identity in ${header} and a new nonce for an opaque DPoP-bound token`,
    (site) => {
      const { privateKey } = generateKeyPairSync("ed25519");
      const IDENTITY_KEY = String(privateKey.export({ type: "pkcs8", format: "pem" }));
      const {
        policy: { origin: _, ...policy },
        ...options
      } = /** @type {{policy: Record<string, unknown>, secrets: object}} */ (
        introspecting({
          ...site,
          issuer: { sender_constrained: "required" },
          dpop: { nonce: "NONCE" },
          forward: {
            identity: { ...IDENTITY, key: "IDENTITY_KEY", header, claims: ["client_id"] },
          },
        })
      );
      return {
        runtime: "workerd",
        modules: library.map((one) =>
          one.name === "worker.js" ? { ...one, name: "index.js" } : one,
        ),
        policy,
        secrets: { ...options.secrets, NONCE, IDENTITY_KEY },
      };
    },
    async ({ gate, origin, provider }) => {
      const keySet = createRemoteJWKSet(new URL("/.well-known/jwks.json", gate.url));
      const client = await BoundClient.of(provider);
      const first = await client.fetch(gate, "/api/a");
      await assertProblem(first, 401, { detail: "nonce_required" });
      const nonce = first.headers.get("dpop-nonce") ?? "";
      assert.ok(nonce);
      /** @param {string} [sent] */
      const authenticated = async (sent = nonce) => {
        const headers = { "X-Identity": "forged" };
        const response = await client.fetch(gate, "/api/a", { nonce: sent, headers });
        assert.equal(response.status, 200);
        const { headers: lines, ...identity } = await response.json();
        assert.ok(!JSON.stringify(lines).includes(client.token));
        const found = new Headers(lines);
        assert.equal(found.get("dpop"), null);
        assert.equal(found.has("authorization"), header === "Authorization");
        const value = (found.get(header) ?? "").replace(/^Bearer /, "");
        const { payload } = await jwtVerify(value, keySet, { ...IDENTITY, typ: "at+jwt" });
        const { iat: __, exp: ___, jti, ...claims } = payload;
        assert.deepEqual(claims, {
          iss: IDENTITY.issuer,
          aud: IDENTITY.audience,
          client_id: "client-ES256",
        });
        return { ...identity, jti };
      };
      const { claims, dpopNonce, jti, ...rest } = await authenticated();
      assert.deepEqual(rest, { scopes: ["read"], issuer: "provider", route: "/api/*" });
      assert.equal(claims.client_id, "client-ES256");
      assert.equal(typeof claims.cnf.jkt, "string");
      assert.equal(dpopNonce, null);
      const again = await authenticated();
      assert.equal(again.jti, jti, "the identity is signed once per credential");
      // In the second half of the nonce's lifetime, the client gets the next one.
      await gate.moveClock(31);
      const next = (await authenticated()).dpopNonce;
      assert.ok(next && next !== nonce);
      assert.equal((await authenticated(next)).dpopNonce, null);
      const thief = await client.thief();
      const stolen = await thief.fetch(gate, "/api/a", { nonce: next });
      await assertProblem(stolen, 401, { detail: "invalid_proof" });
      const bearer = await gate.fetchWith(client.token, "/api/a");
      await assertProblem(bearer, 401, { detail: "missing_proof" });
      origin.expectNone();
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

const worker = copied(folder, "examples/worker");
const { experimental_readRawConfig } = createRequire(import.meta.url)("wrangler");
const { rawConfig } = experimental_readRawConfig({ config: path.join(worker, "wrangler.jsonc") });
const EXAMPLE = { iss: "https://login.example.com/", aud: "https://notes.example.com" };
const exampleToken = (/** @type {string} */ scope) => hs256Token({ ...EXAMPLE, scope });

withGate(
  "examples/worker",
  {
    modules: bundled(path.join(worker, "src/index.ts")),
    vars: rawConfig.vars,
    secrets: { TOKEN_SECRET: SECRET },
  },
  (test) => {
    test("answers admitted requests itself", async ({ gate }) => {
      const note = await gate.fetchWith(exampleToken("notes:read"), "/notes/1");
      assert.deepEqual(await note.json(), {
        route: "/notes/*",
        subject: "user-1",
        scopes: ["notes:read"],
      });
      assert.equal((await (await gate.fetch("/")).json()).subject, null);
      await assertRefused(await gate.fetch("/notes/1"), 401, { scope: "notes:read" });
      await assertRefused(await gate.fetchWith(exampleToken("other"), "/notes/1"), 403, {
        error: "insufficient_scope",
        error_description: /./,
        scope: "notes:read",
      });
      await assertProblem(await gate.fetch("/other"), 404);
    });
  },
);

const hono = copied(folder, "examples/hono");

withGate(
  "examples/hono",
  { modules: bundled(path.join(hono, "src/index.ts")), secrets: { TOKEN_SECRET: SECRET } },
  (test) => {
    test("sets the identity as a variable of the context", async ({ gate }) => {
      const note = await gate.fetchWith(exampleToken("notes:read"), "/notes/1");
      assert.deepEqual(await note.json(), { id: "1", subject: "user-1", scopes: ["notes:read"] });
      assert.equal(await (await gate.fetch("/")).text(), "notes");
      await assertRefused(await gate.fetch("/notes/1"), 401, { scope: "notes:read" });
      const method = "DELETE";
      const refused = await gate.fetchWith(exampleToken("notes:read"), "/notes/1", { method });
      assert.equal(refused.status, 403);
      const deleted = await gate.fetchWith(exampleToken("notes:write"), "/notes/1", { method });
      assert.deepEqual(await deleted.json(), { deleted: "1" });
    });
  },
);

describe("the types", () => {
  const tsc = path.join(
    path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  for (const project of [fixtures, worker, hono]) {
    it(`accept ${path.relative(folder, project)}, and no wrong policy`, () => {
      const { strict } = JSON.parse(
        readFileSync(path.join(project, "tsconfig.json"), "utf8"),
      ).compilerOptions;
      assert.equal(strict, true);
      try {
        execFileSync(process.execPath, [tsc, "--project", project], { encoding: "utf8" });
      } catch (error) {
        assert.fail(/** @type {{stdout: string}} */ (error).stdout);
      }
    });
  }
});
