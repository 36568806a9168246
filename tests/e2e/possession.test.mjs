// Tokens that are bound to a key or a certificate: how often a proof can be used in several
// isolates, which certificates count, and that a misused token reaches no origin.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import {
  assertAdmitted,
  assertProblem,
  gateTest,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const NONCE_SECRET = "what only the gate has, for the nonces of its clients";

/** @param {string | Uint8Array} data */
const sha256 = (data) => createHash("sha256").update(data).digest("base64url");

/** A client with its key, and a token that is bound to the key. */
class Client {
  #key;
  #jwk;
  token;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
    this.#key = privateKey;
    this.#jwk = { crv, kty, x, y };
    this.token = hs256Token({ cnf: { jkt: sha256(JSON.stringify(this.#jwk)) } });
  }

  /**
   * Makes a proof.
   *
   * @param {string} url
   * @param {Record<string, unknown>} [claims]
   */
  proof(url, claims = {}) {
    return tokens.token({
      alg: "ES256",
      key: this.#key,
      header: { typ: "dpop+jwt", jwk: this.#jwk },
      payload: {
        jti: randomUUID(),
        htm: "GET",
        htu: url,
        iat: tokens.now(),
        ath: sha256(this.token),
        ...claims,
      },
    });
  }

  /**
   * The headers of a request.
   *
   * @param {string} proof
   */
  headers(proof) {
    return { Authorization: `DPoP ${this.token}`, DPoP: proof };
  }

  /**
   * Sends a request with a new proof.
   *
   * @param {Running} gate
   * @param {string} path
   * @param {Record<string, unknown>} [claims]
   */
  fetch(gate, path, claims) {
    return gate.fetch(path, { headers: this.headers(this.proof(`${gate.url}${path}`, claims)) });
  }
}

/** @param {Record<string, unknown>} options */
function bound({ origin, dpop, mtls, ...changes }) {
  const policy = hs256({
    origin: /** @type {{url: string}} */ (origin),
    errors: { detail: "reason" },
    ...(dpop ? { dpop } : {}),
    ...(mtls ? { mtls } : {}),
    ...changes,
  });
  policy.issuers[0].sender_constrained = "accepted";
  return policy;
}

const REPLAY = { REPLAY: { className: "ProofReplay", useSQLite: true } };

/**
 * Sends one request many times at once, to each isolate in turn, and counts the codes.
 *
 * @param {Running} gate
 * @param {number} count
 * @param {Record<string, string>} headers
 */
async function flood(gate, count, headers) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** @type {Record<string, number>} */
  const counts = {};
  const send = (/** @type {number} */ index) =>
    new Promise((resolve, reject) => {
      const isolate = gate.isolates[index % gate.isolates.length] ?? gate;
      // The proof is for one URL, so every isolate gets the same Host.
      const { hostname, port } = new URL(isolate.url);
      const options = { agent, hostname, port, path: "/api/items", headers };
      const sent = httpRequest({ ...options, headers: { ...headers, Host: gate.host } });
      sent.on("error", reject);
      sent.on("response", (response) => {
        const code = response.statusCode ?? 0;
        counts[code] = (counts[code] ?? 0) + 1;
        response.resume();
        response.on("end", resolve);
      });
      sent.end();
    });
  await Promise.all([...Array(count).keys()].map(send));
  agent.destroy();
  return counts;
}

gateTest(
  "attack 46: of 10,000 concurrent uses of one proof, a Durable Object admits one",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { replay: { durable_object: "REPLAY" }, max_age: 300 } }),
    secrets: { SECRET },
    isolates: 3,
    durableObjects: REPLAY,
  }),
  async ({ gate, origin }) => {
    const client = new Client();
    const proof = client.proof(`${gate.url}/api/items`);
    const counts = await flood(gate, 10_000, client.headers(proof));
    assert.deepEqual(counts, { 200: 1, 401: 9999 });
    assert.equal(origin.take().length, 1);
    // A new proof by the same key is admitted.
    await assertAdmitted(await client.fetch(gate, "/api/items"), origin);
  },
);

gateTest(
  "attack 46: of 10,000 concurrent uses of one proof, each isolate admits one",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { max_age: 300 } }),
    secrets: { SECRET },
    isolates: 3,
  }),
  async ({ gate, origin }) => {
    const client = new Client();
    const proof = client.proof(`${gate.url}/api/items`);
    const counts = await flood(gate, 10_000, client.headers(proof));
    assert.deepEqual(counts, { 200: 3, 401: 9997 });
    assert.equal(origin.take().length, 3);
  },
);

gateTest(
  "the Durable Object admits one of 10,000 calls, and its alarm deletes what has expired",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { replay: { durable_object: "REPLAY" } } }),
    secrets: { SECRET },
    durableObjects: REPLAY,
  }),
  async ({ gate }) => {
    const namespace = await gate.miniflare.getDurableObjectNamespace("REPLAY");
    const object = namespace.get(namespace.idFromName("key"));
    const put = async (/** @type {string} */ proof, /** @type {number | string} */ expires) => {
      const url = `https://replay/${proof}?${expires}`;
      const response = await object.fetch(url, { method: "PUT" });
      return response.status;
    };
    const later = tokens.now() + 60;
    /** @type {number[]} */
    const all = [];
    // Miniflare opens a connection for each call.
    while (all.length < 10_000) {
      all.push(...(await Promise.all([...Array(200).keys()].map(() => put("a", later)))));
    }
    assert.equal(all.filter((status) => status === 201).length, 1);
    assert.equal(all.filter((status) => status === 409).length, 9999);
    assert.equal(await put("b", later), 201);
    assert.equal(await put("b", "x"), 400);
    // An object whose only proof has expired: its alarm is due at once.
    const old = namespace.get(namespace.idFromName("another key"));
    const past = `https://replay/a?${tokens.now() - 60}`;
    assert.equal((await old.fetch(past, { method: "PUT" })).status, 201);
    while ((await old.fetch(past, { method: "PUT" })).status === 409);
  },
);

gateTest(
  "without an answer of the Durable Object, the request gets 503 and reaches no origin",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { replay: { durable_object: "REPLAY" } } }),
    secrets: { SECRET },
    durableObjects: { REPLAY: { className: "Broken", scriptName: "broken", useSQLite: true } },
    workers: [
      {
        name: "broken",
        modules: true,
        compatibilityDate: "2026-10-01",
        durableObjects: { OWN: { className: "Broken", useSQLite: true } },
        script:
          "export class Broken { fetch() { throw new Error('broken') } }\n" +
          "export default { fetch: () => new Response() }",
      },
    ],
  }),
  async ({ gate, origin }) => {
    const client = new Client();
    const response = await client.fetch(gate, "/api/items");
    assert.equal(response.headers.get("retry-after"), "5");
    await assertProblem(response, 503, { detail: "replay_unavailable" });
    assert.deepEqual(origin.take(), []);
    const events = gate.logs.structured.map(({ event }) => event);
    assert.ok(events.includes("proofs_not_recorded"));
  },
);

withGate(
  "bound tokens",
  ({ origin }) => ({
    runtime: "workerd",
    policy: bound({
      origin,
      token: {
        sources: [
          "authorization",
          { cookie: "__Host-t" },
          { query: "token" },
          "websocket-protocol",
        ],
      },
    }),
    secrets: { SECRET },
  }),
  (test) => {
    test("a proof admits one request", async ({ gate, origin }) => {
      const client = new Client();
      const proof = client.proof(`${gate.url}/api/items`);
      const send = () => gate.fetch("/api/items?page=2", { headers: client.headers(proof) });
      const seen = await assertAdmitted(await send(), origin);
      // The origin may verify the proof again, because it gets the token too.
      assert.equal(seen.header("dpop"), proof);
      await assertProblem(await send(), 401, { detail: "proof_replayed" });
    });

    test("attack 42: a bound token is worth nothing to others", async ({ gate }) => {
      const client = new Client();
      const { token } = client;
      const thief = new Client();
      thief.token = token;
      const url = `${gate.url}/api/items`;
      const cookie = { Cookie: `__Host-t=${token}`, "Sec-Fetch-Site": "same-origin" };
      const bearer = { Authorization: `Bearer ${token}` };
      const misuses = [
        gate.fetch("/api/items", { headers: bearer }),
        gate.fetch("/api/items", { headers: { ...bearer, DPoP: client.proof(url) } }),
        gate.fetch("/api/items", { headers: cookie }),
        gate.fetch(`/api/items?token=${token}`),
        gate.fetch("/api/items", { headers: { "Sec-WebSocket-Protocol": `bearer, ${token}` } }),
        gate.fetch("/api/items", { headers: { Authorization: `DPoP ${token}` } }),
        gate.fetch("/api/items", { headers: thief.headers(thief.proof(url)) }),
        gate.fetch("/api/items", { headers: { ...cookie, DPoP: thief.proof(url) } }),
        gate.fetch("/api/items", { headers: client.headers(client.proof(`${gate.url}/api`)) }),
        gate.fetch("/api/items", { method: "POST", headers: client.headers(client.proof(url)) }),
        client.fetch(gate, "/api/items", { iat: tokens.now() - 61 }),
        client.fetch(gate, "/api/items", { iat: tokens.now() + 70 }),
        client.fetch(gate, "/api/items", { ath: sha256("another token") }),
        client.fetch(gate, "/api/items", { jti: "x".repeat(129) }),
      ];
      for (const [index, response] of (await Promise.all(misuses)).entries()) {
        assert.equal(response.status, 401, String(index));
        assert.equal(
          response.headers.get("www-authenticate"),
          'DPoP realm="api", error="invalid_dpop_proof", error_description="The DPoP proof is ' +
            'missing or invalid", algs="ES256 EdDSA"',
          String(index),
        );
        const { code } = await response.json();
        assert.match(code, /^(missing|invalid)_proof$/, String(index));
      }
    });

    test("two DPoP headers are rejected", async ({ gate }) => {
      const client = new Client();
      const url = `${gate.url}/api/items`;
      const response = await gate.raw({
        method: "GET",
        target: "/api/items",
        headers: [
          ["Authorization", `DPoP ${client.token}`],
          ["DPoP", client.proof(url)],
          ["DPoP", client.proof(url)],
        ],
      });
      await assertProblem(response, 401, { detail: "invalid_proof" });
    });
  },
);

const THUMBPRINT = createHash("sha256").update("a certificate in DER").digest();
const CERTIFICATE = {
  certPresented: "1",
  certVerified: "SUCCESS",
  certRevoked: "0",
  certFingerprintSHA256: THUMBPRINT.toString("hex"),
};

for (const trust of ["ca", "any"]) {
  withGate(
    `tokens that are bound to a certificate, with trust = "${trust}"`,
    ({ origin }) => ({
      runtime: "workerd",
      cfHeader: "Test-Cf",
      policy: bound({ origin, mtls: { trust } }),
      secrets: { SECRET },
    }),
    (test) => {
      const token = () =>
        hs256Token({ cnf: { "x5t#S256": Buffer.from(THUMBPRINT).toString("base64url") } });

      /**
       * @param {Running} gate
       * @param {object | undefined} tlsClientAuth
       * @param {Record<string, string>} [more]
       */
      const send = (gate, tlsClientAuth, more = {}) =>
        gate.fetchWith(token(), "/api/items", {
          headers: { ...more, "Test-Cf": JSON.stringify({ tlsClientAuth }) },
        });

      test("the certificate admits the request", async ({ gate, origin }) => {
        await assertAdmitted(await send(gate, CERTIFICATE), origin);
      });

      test("attack 43: any other certificate does not", async ({ gate, origin }) => {
        const absent = { ...CERTIFICATE, certPresented: "0" };
        for (const cf of [undefined, {}, absent]) {
          await assertProblem(await send(gate, cf), 401, { detail: "missing_certificate" });
        }
        const other = { ...CERTIFICATE, certFingerprintSHA256: "00".repeat(32) };
        const revoked = { ...CERTIFICATE, certRevoked: "1" };
        const unknown = { ...CERTIFICATE, certRevoked: undefined };
        for (const cf of [other, revoked, unknown]) {
          await assertProblem(await send(gate, cf), 401, { detail: "wrong_certificate" });
        }
        const selfSigned = { ...CERTIFICATE, certVerified: "FAILED:self signed certificate" };
        const response = await send(gate, selfSigned);
        if (trust === "any") await assertAdmitted(response, origin);
        else await assertProblem(response, 401, { detail: "wrong_certificate" });
      });

      test("attack 44: a header with the certificate is not believed", async ({ gate, origin }) => {
        const headers = {
          "Client-Cert": `:${THUMBPRINT.toString("base64")}:`,
          "X-SSL-Client-Cert": THUMBPRINT.toString("hex"),
          "X-SSL-Client-Verify": "SUCCESS",
          "Cf-Client-Cert-Sha256": THUMBPRINT.toString("hex"),
          "Cf-Cert-Verified": "true",
          "X-Forwarded-Client-Cert": `Hash=${THUMBPRINT.toString("hex")}`,
        };
        const refused = await send(gate, undefined, headers);
        await assertProblem(refused, 401, { detail: "missing_certificate" });
        const seen = await assertAdmitted(await send(gate, CERTIFICATE, headers), origin);
        for (const name of Object.keys(headers)) assert.equal(seen.header(name), undefined, name);
      });
    },
  );
}

gateTest(
  "nonces: the round trip, and a new nonce with the API's response before the old one expires",
  ({ origin }) => ({
    clock: true,
    policy: bound({ origin, dpop: { nonce: "NONCE" } }),
    secrets: { SECRET, NONCE: NONCE_SECRET },
  }),
  async ({ gate, origin }) => {
    const client = new Client();
    const first = await client.fetch(gate, "/api/items");
    assert.equal(
      first.headers.get("www-authenticate"),
      'DPoP realm="api", error="use_dpop_nonce", error_description="The DPoP proof requires a ' +
        'nonce", algs="ES256 EdDSA"',
    );
    const nonce = first.headers.get("dpop-nonce");
    assert.ok(nonce);
    await assertProblem(first, 401, { detail: "nonce_required" });
    const second = await client.fetch(gate, "/api/items", { nonce });
    assert.equal(second.headers.get("dpop-nonce"), null);
    await assertAdmitted(second, origin);
    await gate.moveClock(40);
    const later = { nonce, iat: tokens.now() + 40 };
    const third = await client.fetch(gate, "/api/items", later);
    const renewed = third.headers.get("dpop-nonce");
    assert.ok(renewed && renewed !== nonce);
    await assertAdmitted(third, origin);
    // Refusals after the proof contain the new nonce as well.
    const refused = await client.fetch(gate, "/admin/items", later);
    assert.ok(refused.headers.get("dpop-nonce"));
    await assertProblem(refused, 403, { detail: "insufficient_scope" });
    await gate.moveClock(80);
    const expired = { nonce, iat: tokens.now() + 80 };
    const fourth = await client.fetch(gate, "/api/items", expired);
    await assertProblem(fourth, 401, { detail: "nonce_required" });
    const last = { nonce: renewed, iat: tokens.now() + 80 };
    await assertAdmitted(await client.fetch(gate, "/api/items", last), origin);
  },
);

gateTest(
  "a candidate policy judges proofs too, and uses none of them up",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { replay: { durable_object: "REPLAY" } } }),
    vars: {
      POLICY_CANDIDATE: bound({ origin, dpop: { replay: { durable_object: "REPLAY" } } }),
    },
    secrets: { SECRET },
    durableObjects: REPLAY,
  }),
  async ({ gate, origin }) => {
    const client = new Client();
    for (let count = 0; count < 3; count += 1) {
      await assertAdmitted(await client.fetch(gate, "/api/items"), origin);
    }
    const proof = client.proof(`${gate.url}/api/items`);
    const send = () => gate.fetch("/api/items", { headers: client.headers(proof) });
    await assertAdmitted(await send(), origin);
    await assertProblem(await send(), 401, { detail: "proof_replayed" });
    // The two policies agree about every request.
    const events = gate.logs.structured.map(({ event }) => event);
    assert.ok(!events.includes("candidate"), JSON.stringify(gate.logs.structured));
  },
);

gateTest(
  "a policy that names a Durable Object which is not bound refuses every request",
  ({ origin }) => ({
    policy: bound({ origin, dpop: { replay: { durable_object: "ABSENT" } } }),
    secrets: { SECRET },
  }),
  async ({ gate }) => {
    const response = await new Client().fetch(gate, "/api/items");
    await assertProblem(response, 500);
    const fault = gate.logs.structured.find(({ event }) => event === "policy_fault");
    assert.match(String(fault?.remedy), /new_sqlite_classes/);
  },
);
