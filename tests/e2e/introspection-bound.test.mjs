// Opaque tokens of a real identity provider that are bound to a key or a certificate: the gate
// learns this from the introspection endpoint, and only the client that has the key gets through.

import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import {
  assertAdmitted,
  assertProblem,
  BoundClient,
  INTROSPECTION,
  introspecting,
  JWKS,
  keysOf,
  METADATA,
  OPAQUE_AUDIENCE,
  policies,
  providerTest,
  repository,
} from "./harness/index.mjs";

/** @import { HeaderLine } from "./harness/socket.mjs" */

const PATH = "/api/items";
const NONCE = "what only the gate has, for the nonces of its clients";
const INSECURE = { [oauth.allowInsecureRequests]: true };

for (const signed of [false, true]) {
  for (const kind of ["accepted", "required"]) {
    const response = signed ? "RFC 9701 response" : "response";
    providerTest(
      `an opaque token whose ${response} has cnf.jkt needs a proof by this key, with sender_constrained = "${kind}"`,
      (site) => ({
        runtime: "workerd",
        ...introspecting({
          ...site,
          issuer: { sender_constrained: kind, ...(signed ? keysOf(site.provider) : {}) },
          introspection: signed ? { client_id: "gate-signed", signed } : {},
        }),
      }),
      async ({ gate, origin, provider }) => {
        const client = await BoundClient.of(provider);
        const thief = await client.thief();
        assert.ok(!client.token.includes("."), "the token is opaque");
        // The thief comes first. Afterwards, the answer is in the cache.
        for (let count = 0; count < 3; count += 1) {
          const used = client.headers(await client.proof(gate, PATH));
          const elsewhere = client.headers(await client.proof(gate, "/api/other"));
          const own = await client.proof(gate, PATH);
          /** @type {[sent: Record<string, string>, code: string][]} */
          const stolen = [
            [{ Authorization: `Bearer ${client.token}` }, "missing_proof"],
            [{ Authorization: `Bearer ${client.token}`, DPoP: own }, "missing_proof"],
            [{ Authorization: `DPoP ${client.token}` }, "missing_proof"],
            [thief.headers(await thief.proof(gate, PATH)), "invalid_proof"],
            [elsewhere, "invalid_proof"],
          ];
          for (const [headers, code] of stolen) {
            await assertProblem(await gate.fetch(PATH, { headers }), 401, { detail: code });
          }
          origin.expectNone();
          const seen = await assertAdmitted(await gate.fetch(PATH, { headers: used }), origin);
          assert.equal(seen.header("x-auth-scope"), "read");
          const again = await gate.fetch(PATH, { headers: used });
          await assertProblem(again, 401, { detail: "proof_replayed" });
        }
        await provider.expectFetches(signed ? [INTROSPECTION, JWKS] : [INTROSPECTION]);
        const bearer = await gate.fetchWith(await provider.opaqueToken(), PATH);
        if (kind === "accepted") await assertAdmitted(bearer, origin);
        else await assertProblem(bearer, 401, { detail: "missing_claim" });
        await provider.expectFetches([INTROSPECTION]);
        origin.expectNone();
      },
    );
  }
}

providerTest(
  "by default, an opaque token whose response has cnf is rejected, even with its proof",
  (site) => introspecting(site),
  async ({ gate, origin, provider }) => {
    const client = await BoundClient.of(provider);
    await assertProblem(await gate.fetchWith(client.token, PATH), 401, { detail: "invalid_claim" });
    // The gate does not know the scheme.
    await assertProblem(await client.fetch(gate, PATH), 401, { detail: "missing_token" });
    origin.expectNone();
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "oauth4webapi uses an opaque DPoP-bound token with the use_dpop_nonce round trip",
  (site) => {
    const { secrets, ...options } = introspecting({
      ...site,
      issuer: { sender_constrained: "required" },
      introspection: { discovery: true },
      dpop: { nonce: "NONCE" },
    });
    return { ...options, secrets: { ...secrets, NONCE } };
  },
  async ({ gate, origin, provider }) => {
    const issuer = new URL(provider.issuer);
    const found = await oauth.discoveryRequest(issuer, INSECURE);
    const server = await oauth.processDiscoveryResponse(issuer, found);
    /** @type {oauth.Client} */
    const client = { client_id: "client-ES256" };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
    const granted = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      oauth.ClientSecretPost("the secret of client-ES256, long enough for whatever it may sign"),
      new URLSearchParams({ resource: OPAQUE_AUDIENCE, scope: "read" }),
      { DPoP, ...INSECURE },
    );
    const { access_token: token } = await oauth.processClientCredentialsResponse(
      server,
      client,
      granted,
    );
    const url = new URL(`${PATH}?page=1`, gate.url);
    const send = () =>
      oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, {
        DPoP,
        ...INSECURE,
      });
    await assert.rejects(send(), (error) => oauth.isDPoPNonceError(error));
    origin.expectNone();
    for (let count = 0; count < 3; count += 1) await assertAdmitted(await send(), origin);
    const bearer = await gate.fetchWith(token, PATH);
    await assertProblem(bearer, 401, { detail: "missing_proof" });
    origin.expectNone();
    await provider.expectFetches([METADATA, METADATA, INTROSPECTION]);
  },
);

providerTest(
  "an opaque token whose response has x5t#S256 needs this certificate",
  (site) => ({
    clock: false,
    runtime: "workerd",
    cfHeader: "Test-Cf",
    ...introspecting({ ...site, mtls: {}, issuer: { sender_constrained: "required" } }),
  }),
  async ({ gate, origin, provider }) => {
    const pem = readFileSync(path.join(repository, "tests/it/keys/rsa2048.cert.pem"), "utf8");
    const { access_token: token } = await provider.grant({
      headers: { "X-Test-Certificate": Buffer.from(pem).toString("base64") },
      kind: "mtls-",
      audience: OPAQUE_AUDIENCE,
    });
    const send = (/** @type {object | undefined} */ tlsClientAuth) =>
      gate.fetchWith(token, PATH, { headers: { "Test-Cf": JSON.stringify({ tlsClientAuth }) } });
    const certificate = {
      certPresented: "1",
      certVerified: "SUCCESS",
      certRevoked: "0",
      certFingerprintSHA256: new X509Certificate(pem).fingerprint256
        .replaceAll(":", "")
        .toLowerCase(),
    };
    for (let count = 0; count < 2; count += 1) {
      await assertProblem(await send(undefined), 401, { detail: "missing_certificate" });
      const other = { ...certificate, certFingerprintSHA256: "00".repeat(32) };
      for (const wrong of [other, { ...certificate, certRevoked: "1" }])
        await assertProblem(await send(wrong), 401, { detail: "wrong_certificate" });
      origin.expectNone();
      await assertAdmitted(await send(certificate), origin);
    }
    await provider.expectFetches([INTROSPECTION]);
  },
);

for (const cnf of [null, "x", {}, { jkt: "x" }, { kid: "k" }]) {
  providerTest(
    `attack: introspection: an active token with the cnf ${JSON.stringify(cnf)} is rejected`,
    (site) => introspecting({ ...site, issuer: { sender_constrained: "accepted" } }),
    async ({ gate, origin, provider }) => {
      const client = await BoundClient.of(provider);
      const claims = { iss: provider.issuer, aud: OPAQUE_AUDIENCE, sub: "u", exp: 9_999_999_999 };
      await provider.answerWith({ active: true, ...claims, cnf }, { path: INTROSPECTION });
      for (let count = 0; count < 2; count += 1) {
        const bearer = await gate.fetchWith(client.token, PATH);
        await assertProblem(bearer, 401, { detail: "invalid_claim" });
        const proved = await client.fetch(gate, PATH);
        await assertProblem(proved, 401, { detail: "invalid_claim" });
      }
      origin.expectNone();
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

const IDENTITY = {
  key: "IDENTITY_KEY",
  issuer: "https://gate.example.com",
  audience: "https://internal.example",
  claims: ["sub", "scope", "client_id"],
};

for (const header of ["Authorization", "X-Identity"]) {
  providerTest(
    `an API gets a signed identity in ${header} for an opaque DPoP-bound token, without cnf`,
    (site) => {
      const { secrets, ...options } = introspecting({
        ...site,
        issuer: { sender_constrained: "required" },
        dpop: { nonce: "NONCE" },
        forward: { identity: { ...IDENTITY, header } },
      });
      const { privateKey } = generateKeyPairSync("ed25519");
      const IDENTITY_KEY = String(privateKey.export({ type: "pkcs8", format: "pem" }));
      return { runtime: "workerd", ...options, secrets: { ...secrets, NONCE, IDENTITY_KEY } };
    },
    async ({ gate, origin, provider }) => {
      const keySet = createRemoteJWKSet(new URL("/.well-known/jwks.json", gate.url));
      const client = await BoundClient.of(provider);
      const first = await client.fetch(gate, PATH);
      await assertProblem(first, 401, { detail: "nonce_required" });
      origin.expectNone();
      const nonce = first.headers.get("dpop-nonce") ?? "";
      const replaces = header === "Authorization";
      for (let count = 0; count < 3; count += 1) {
        const proof = await client.proof(gate, PATH, nonce);
        /** @type {HeaderLine[]} */
        const headers = [
          ["Authorization", `DPoP ${client.token}`],
          ["DPoP", proof],
          ...["X-Identity", "x_identity", "X-IDENTITY"].map(
            (name) => /** @type {HeaderLine} */ ([name, "forged"]),
          ),
        ];
        const seen = await assertAdmitted(await gate.raw({ target: PATH, headers }), origin);
        const lines = seen.headerLines.filter(([name]) => name.toLowerCase() === "x-identity");
        const identity = replaces
          ? (seen.header("authorization") ?? "").replace(/^Bearer /, "")
          : (lines[0]?.[1] ?? "");
        const { payload } = await jwtVerify(identity, keySet, {
          issuer: IDENTITY.issuer,
          audience: IDENTITY.audience,
          typ: "at+jwt",
        });
        const { iat: _, exp: __, jti: ___, ...claims } = payload;
        assert.deepEqual(claims, {
          iss: IDENTITY.issuer,
          aud: IDENTITY.audience,
          client_id: "client-ES256",
          scope: "read",
        });
        const received = `${seen.target}\n${seen.headerLines.join("\n")}`;
        if (replaces) {
          // Neither the token nor the proof reaches the API.
          assert.ok(!received.includes(client.token), received);
          assert.ok(!received.includes(proof.split(".")[2] ?? proof), received);
          assert.equal(seen.header("dpop"), undefined);
          assert.deepEqual(seen.values("authorization"), [`Bearer ${identity}`]);
        } else {
          assert.ok(!received.includes("forged"), received);
          assert.equal(lines.length, 1);
          assert.equal(seen.header("authorization"), `DPoP ${client.token}`);
        }
      }
      // A thief of the token, who does not have its key, gets 401.
      const thief = await client.thief();
      const stolen = await thief.fetch(gate, PATH, { nonce });
      await assertProblem(stolen, 401, { detail: "invalid_proof" });
      origin.expectNone();
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

providerTest(
  "the console shows the claims of a bound token only with a proof by its key",
  (site) => ({
    ...introspecting({ ...site, issuer: { sender_constrained: "accepted" } }),
    vars: { CONSOLE: "on" },
  }),
  async ({ gate, origin, provider }) => {
    const client = await BoundClient.of(provider);
    const thief = await client.thief();
    const judged = async (/** @type {Record<string, string>} */ headers) => {
      const answer = await gate.fetch("/_portcullis/judge", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          method: "GET",
          url: `${gate.url}${PATH}`,
          headers: Object.entries(headers),
        }),
      });
      return answer.json();
    };
    for (const headers of [
      { Authorization: `Bearer ${client.token}` },
      { Authorization: `DPoP ${client.token}` },
      thief.headers(await thief.proof(gate, PATH)),
    ]) {
      const { step, introspected } = await judged(headers);
      assert.deepEqual([step, introspected], ["possession", undefined]);
    }
    const own = await judged(client.headers(await client.proof(gate, PATH)));
    assert.equal(own.introspected.client_id, "client-ES256", JSON.stringify(own));
    await provider.expectFetches([INTROSPECTION]);
    origin.expectNone();
  },
);
