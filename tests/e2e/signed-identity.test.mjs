// The signed identity, verified with jose from nothing but issuer, audience and the URL of the key
// set.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { startOrigin } from "./harness/origin.mjs";
import {
  assertAdmitted,
  assertProblem,
  policies,
  startGate,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { AddressInfo } from "node:net" */
/** @import { Origin, Received } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const ISSUER = "https://gate.example.com";
const AUDIENCE = "https://internal.example";
const KEY_SET = "/.well-known/jwks.json";

/** @param {KeyObject} key */
const pkcs8 = (key) => String(key.export({ type: "pkcs8", format: "pem" }));

const ed25519 = generateKeyPairSync("ed25519").privateKey;
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const keys = { ED25519: pkcs8(ed25519), P256: JSON.stringify(p256.export({ format: "jwk" })) };
const secrets = { SECRET, ...keys };

const identity = { key: "ED25519", issuer: ISSUER, audience: AUDIENCE };

/**
 * Verifies an identity as an API does.
 *
 * @param {string} token
 * @param {ReturnType<typeof createRemoteJWKSet>} keySet
 * @param {Record<string, unknown>} [changes]
 */
const verify = (token, keySet, changes = {}) =>
  jwtVerify(token, keySet, {
    issuer: ISSUER,
    audience: AUDIENCE,
    typ: "at+jwt",
    requiredClaims: ["exp", "iat", "jti"],
    ...changes,
  });

/** @param {Running} gate */
const keySetOf = (gate) => createRemoteJWKSet(new URL(KEY_SET, gate.url));

/** @param {Received} seen */
function bearer(seen) {
  const [, token] = /^Bearer (\S+)$/.exec(seen.header("authorization") ?? "") ?? [];
  assert.ok(token, "the origin received an identity");
  return token;
}

for (const [runtime, key] of [
  ["miniflare", "P256"],
  ["workerd", "ED25519"],
]) {
  withGate(
    `the signed identity in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({
        origin,
        token: {
          sources: ["authorization", { cookie: "__Host-token" }, { query: "access_token" }],
        },
        forward: {
          identity: { ...identity, key, claims: ["sub", "scope", "/realm_access/roles"] },
        },
        log: { decisions: "all" },
      }),
      secrets,
    }),
    (test) => {
      test("an API that knows issuer, audience and URL verifies who the caller is", async ({
        gate,
        origin,
      }) => {
        const realm_access = { roles: ["editor"], other: "not for the API" };
        const token = hs256Token({ scope: "read", realm_access, email: "not for the API" });
        const keySet = keySetOf(gate);
        /** @type {[target: string, init: RequestInit][]} */
        const requests = [
          ["/api/a", { headers: { Authorization: `Bearer ${token}` } }],
          ["/api/a", { headers: { Cookie: `a=b; __Host-token=${token}` } }],
          [`/api/a?access_token=${token}&x=y`, { method: "POST", body: "text" }],
          ["/optional/a", { headers: { Authorization: `Bearer ${token}` } }],
        ];
        for (const [target, init] of requests) {
          const headers = { Origin: gate.url, ...init.headers };
          const seen = await assertAdmitted(await gate.fetch(target, { ...init, headers }), origin);
          const { payload, protectedHeader } = await verify(bearer(seen), keySet);
          const { iat = 0, exp = 0, jti, ...claims } = payload;
          assert.deepEqual(claims, {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: "user-1",
            scope: "read",
            realm_access: { roles: ["editor"] },
          });
          assert.equal(exp - iat, 300);
          assert.ok(Math.abs(iat - tokens.now()) < 60);
          assert.equal(Buffer.from(jti ?? "", "base64url").length, 16);
          assert.equal(protectedHeader.alg, key === "P256" ? "ES256" : "EdDSA");
          // Attack 31 and the contract: nothing of the client's own token reaches the API.
          const [, , signature] = tokens.segments(token);
          const received = `${seen.target}\n${seen.headerLines.join("\n")}`;
          assert.ok(!received.includes(signature), received);
        }
        for (const segment of tokens.segments(token).slice(1))
          assert.ok(!gate.logs.text.includes(segment));
      });

      test("it is reused for the same credential, and no other", async ({ gate, origin }) => {
        const ids = new Map();
        for (const sub of ["a", "b", "a", "b", "a", "b", "a", "b"]) {
          const token = ids.get(sub)?.token ?? hs256Token({ sub });
          const seen = await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
          const { payload } = await verify(bearer(seen), keySetOf(gate));
          assert.equal(payload.sub, sub);
          ids.set(sub, { token, seen: [...(ids.get(sub)?.seen ?? []), payload.jti] });
        }
        const [a, b] = [ids.get("a").seen, ids.get("b").seen];
        assert.deepEqual(a, Array(4).fill(a[0]));
        assert.deepEqual(b, Array(4).fill(b[0]));
        assert.notEqual(a[0], b[0]);
      });

      test("it expires no later than its credential", async ({ gate, origin }) => {
        const exp = tokens.now() + 90;
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token({ exp }), "/api/a"),
          origin,
        );
        assert.equal((await verify(bearer(seen), keySetOf(gate))).payload.exp, exp);
      });

      test("forged, foreign and expired identities are rejected", async ({ gate, origin }) => {
        const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
        const token = bearer(seen);
        const keySet = keySetOf(gate);
        const { payload, protectedHeader } = await verify(token, keySet);
        const stranger = generateKeyPairSync("ed25519").privateKey;
        const sign = (
          /** @type {KeyObject} */ signer,
          /** @type {object} */ header,
          changes = {},
        ) =>
          tokens.token({
            alg: String(protectedHeader.alg),
            key: signer,
            header: { ...protectedHeader, ...header },
            payload: { ...payload, ...changes },
          });
        const [head, body, signature] = tokens.segments(token);
        const claims = tokens.base64url(JSON.stringify({ ...payload, sub: "admin" }));
        const forged = [
          tokens.rawToken(head, claims, signature),
          tokens.rawToken(head, body, ""),
          tokens.withChangedCharacter(token, token.length - 20),
          hs256Token(),
          tokens.token({
            alg: "Ed",
            key: stranger,
            header: { ...protectedHeader, alg: "EdDSA" },
            payload,
          }),
          // The public key as a secret (alg of another family).
          tokens.token({
            alg: "HS256",
            key: await (await gate.fetch(KEY_SET)).text(),
            header: { ...protectedHeader, alg: "HS256" },
            payload,
          }),
          tokens.rawToken(tokens.base64url('{"alg":"none","typ":"at+jwt"}'), body, ""),
        ];
        for (const one of forged) await assert.rejects(verify(one, keySet), one);
        const own = key === "P256" ? p256 : ed25519;
        assert.ok(await verify(sign(own, {}), keySet), "the helper signs as the gate does");
        for (const changes of [
          { exp: tokens.now() - 1 },
          { exp: undefined },
          { aud: "https://other.example" },
          { iss: policies.ISSUER },
        ])
          await assert.rejects(verify(sign(own, {}, changes), keySet), JSON.stringify(changes));
        await assert.rejects(verify(sign(own, { typ: "JWT" }), keySet));
        await assert.rejects(verify(token, keySet, { audience: "https://other.example" }));
        // The gate does not take its own identities for credentials.
        assert.equal((await gate.fetchWith(token, "/api/a")).status, 401);
      });

      test("attack 31: a client's own header is removed on every route, in every spelling", async ({
        gate,
        origin,
      }) => {
        const names = ["Authorization", "AUTHORIZATION"];
        for (const target of ["/public/a", "/optional/a"]) {
          for (const name of names) {
            const raw = { target, headers: [[name, target === "/public/a" ? "Basic eDp5" : ""]] };
            if (target === "/optional/a") raw.headers = [];
            const seen = await assertAdmitted(
              await gate.raw(/** @type {any} */ (raw)),
              origin,
              target,
            );
            assert.deepEqual(seen.values("authorization"), []);
          }
        }
      });

      test("the key set is served before routes, to everyone, and can be cached", async ({
        gate,
        origin,
      }) => {
        const response = await gate.fetch(KEY_SET);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("content-type"), "application/json");
        assert.equal(response.headers.get("cache-control"), "public, max-age=300");
        assert.equal(response.headers.get("access-control-allow-origin"), "*");
        const set = await response.json();
        assert.equal(set.keys.length, 1);
        const { kid, kty, use, alg, ...rest } = set.keys[0];
        assert.deepEqual([use, kid.length], ["sig", 43]);
        assert.ok(!("d" in rest) && kty && alg);
        const head = await gate.raw({ method: "HEAD", target: KEY_SET });
        assert.deepEqual([head.status, head.text], [200, ""]);
        const refused = await gate.fetch(KEY_SET, { method: "POST", body: "{}" });
        assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS");
        await assertProblem(refused, 405);
        origin.expectNone();
      });
    },
  );
}

withGate(
  "the signed identity in a header of its own",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin, forward: { identity: { ...identity, header: "X-Identity" } } }),
    secrets,
  }),
  (test) => {
    test("attack 31: a client's header is removed on every route, in every spelling", async ({
      gate,
      origin,
    }) => {
      const own = hs256Token();
      for (const target of ["/public/a", "/optional/a", "/api/a"]) {
        const names = ["X-Identity", "x_identity", "X-IDENTITY", "X.Identity"];
        const headers = [
          ["Authorization", `Bearer ${own}`],
          ...names.map((name) => [name, "forged"]),
        ];
        const seen = await assertAdmitted(
          await gate.raw({ target, headers: /** @type {any} */ (headers) }),
          origin,
          target,
        );
        const lines = seen.headerLines.filter(([name]) => /^x.identity$/i.test(name));
        assert.equal(lines.length, target === "/public/a" ? 0 : 1, target);
        for (const [, value] of lines)
          assert.equal((await verify(value, keySetOf(gate))).payload.sub, "user-1");
        assert.equal(seen.header("authorization"), `Bearer ${own}`);
      }
      const seen = await assertAdmitted(await gate.fetch("/optional/a"), origin);
      assert.equal(seen.header("x-identity"), undefined);
    });
  },
);

/**
 * The public address of the gate, which forwards to the deployment that is current.
 *
 * @param {() => Running} deployment
 */
async function startFront(deployment) {
  let keySets = 0;
  const server = createServer((request, response) => {
    if (request.url === KEY_SET) keySets += 1;
    const url = new URL(request.url ?? "/", deployment().url);
    const { authorization } = request.headers;
    fetch(url, { headers: authorization === undefined ? {} : { authorization } }).then(
      async (answer) => {
        response.writeHead(answer.status, { "content-type": "application/json" });
        response.end(await answer.text());
      },
      () => response.writeHead(502).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    fetched: () => keySets,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe("rotation of the identity's key", { timeout: 120_000 }, () => {
  it("rejects no request if the new key is published before it signs", async () => {
    const origin = await startOrigin();
    /** @type {Running[]} */
    const gates = [];
    const deploy = async (/** @type {string | string[]} */ key) => {
      const gate = await startGate({
        runtime: "workerd",
        policy: hs256({ origin, forward: { identity: { ...identity, key } } }),
        secrets,
      });
      gates.push(gate);
      return gate;
    };
    /** @type {Running} */
    let current;
    /** @type {Awaited<ReturnType<typeof startFront>> | undefined} */
    let front;
    try {
      const credentials = [...Array(4).keys()].map((index) => hs256Token({ sub: `user-${index}` }));
      current = await deploy("P256");
      front = await startFront(() => current);
      // One client for the whole rotation. It fetches the keys when its cache expires, which the
      // calls of `reload` stand for, or if it does not know a `kid`.
      const keySet = createRemoteJWKSet(new URL(KEY_SET, front.url));
      /** @type {Set<string | undefined>} */
      const signed = new Set();
      const verifyAll = async (/** @type {Running[]} */ deployments) => {
        const requests = deployments.flatMap((gate) =>
          credentials.flatMap((token) => [1, 2, 3].map(() => gate.fetchWith(token, "/api/a"))),
        );
        for (const answer of await Promise.all(requests)) assert.equal(answer.status, 200);
        const seen = origin.take();
        assert.equal(seen.length, requests.length);
        for (const request of seen) {
          const { protectedHeader } = await verify(bearer(request), keySet);
          signed.add(protectedHeader.kid);
        }
        return seen.map(bearer);
      };

      const old = await verifyAll([current]);
      assert.equal(signed.size, 1);
      // 1. Both keys are published, and the old one signs.
      const before = current;
      current = await deploy(["P256", "ED25519"]);
      await verifyAll([before, current]);
      assert.equal(signed.size, 1, "the new key does not sign yet");
      // 2. All caches have expired.
      await keySet.reload();
      // 3. The new key signs, while isolates with the previous deployment still serve requests.
      const during = current;
      current = await deploy(["ED25519", "P256"]);
      await verifyAll([during, current]);
      assert.equal(signed.size, 2, "both keys have signed");
      await keySet.reload();
      for (const token of old) await verify(token, keySet);
      // 4. The old key is removed, after the last identity that it signed has expired.
      const after = current;
      current = await deploy("ED25519");
      await verifyAll([after, current]);
      assert.equal(front.fetched(), 3, "the keys were fetched only when the cache expired");
      await keySet.reload();
      await assert.rejects(verify(String(old[0]), keySet), "the old key is no longer trusted");
    } finally {
      front?.stop();
      await Promise.all(gates.map((gate) => gate.stop()));
      await origin.stop();
    }
  });
});
