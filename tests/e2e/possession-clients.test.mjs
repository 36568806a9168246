// Independent clients: `oidc-provider` issues tokens that are bound to a key or a certificate, and
// `oauth4webapi`, `openid-client` and `dpop` use them through the gate.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as dpop from "dpop";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import {
  assertAdmitted,
  assertProblem,
  JWKS,
  policies,
  providerTest,
  repository,
} from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Provider } from "./harness/provider.mjs" */
/** @import { Changes } from "./harness/policies.mjs" */

const { AUDIENCE, published } = policies;

const METADATA = "/.well-known/openid-configuration";
const NONCE = "what only the gate has, for the nonces of its clients";
const CLIENT = "client-ES256";
const PASSWORD = "the secret of client-ES256, long enough for whatever it may sign";

/** The provider of the test has no TLS. */
const INSECURE = { [oauth.allowInsecureRequests]: true };

/**
 * @param {{origin: Origin, provider: Provider}} site
 * @param {Changes} [changes]
 */
const policy = ({ origin, provider }, changes = {}) =>
  published({ origin, provider, issuer: { sender_constrained: "required" }, ...changes });

/** @param {Provider} provider */
async function discovered(provider) {
  const issuer = new URL(provider.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
}

for (const [kind, dpopSettings] of /** @type {const} */ ([
  ["without nonces", undefined],
  ["with the use_dpop_nonce round trip", { nonce: "NONCE" }],
])) {
  providerTest(
    `oauth4webapi uses a DPoP-bound token, ${kind}`,
    (site) => ({
      policy: policy(site, dpopSettings ? { dpop: dpopSettings } : {}),
      secrets: { NONCE },
    }),
    async ({ gate, origin, provider }) => {
      const server = await discovered(provider);
      /** @type {oauth.Client} */
      const client = { client_id: CLIENT };
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
      const granted = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.ClientSecretPost(PASSWORD),
        new URLSearchParams({ resource: AUDIENCE, scope: "read" }),
        { DPoP, ...INSECURE },
      );
      const { access_token: token, token_type: type } =
        await oauth.processClientCredentialsResponse(server, client, granted);
      assert.equal(type, "dpop");

      const url = new URL("/api/items?page=1", gate.url);
      const send = () =>
        oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, {
          DPoP,
          ...INSECURE,
        });
      let response = send();
      if (dpopSettings) {
        await assert.rejects(response, (error) => oauth.isDPoPNonceError(error));
        response = send();
      }
      await assertAdmitted(await response, origin);
      await assertAdmitted(await send(), origin);
      const bearer = await gate.fetchWith(token, "/api/items");
      await assertProblem(bearer, 401, { detail: "missing_proof" });
      await provider.expectFetches([METADATA, JWKS]);
    },
  );

  providerTest(
    `openid-client uses a DPoP-bound token, ${kind}`,
    (site) => ({
      policy: policy(site, dpopSettings ? { dpop: dpopSettings } : {}),
      secrets: { NONCE },
    }),
    async ({ gate, origin, provider }) => {
      const config = await openid.discovery(
        new URL(provider.issuer),
        CLIENT,
        undefined,
        openid.ClientSecretPost(PASSWORD),
        { execute: [openid.allowInsecureRequests] },
      );
      const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
      const grant = { resource: AUDIENCE, scope: "read" };
      const { access_token: token } = await openid.clientCredentialsGrant(config, grant, { DPoP });
      const url = new URL("/api/items", gate.url);
      for (let count = 0; count < 3; count += 1) {
        // It repeats the request by itself if a nonce is required.
        const response = await openid.fetchProtectedResource(
          config,
          token,
          url,
          "GET",
          undefined,
          undefined,
          { DPoP },
        );
        await assertAdmitted(response, origin);
      }
      await provider.expectFetches([METADATA, JWKS]);
    },
  );
}

for (const algorithm of /** @type {const} */ (["ES256", "Ed25519"])) {
  providerTest(
    `the npm package dpop proves possession of a non-extractable key for ${algorithm}`,
    (site) => ({
      policy: policy(site, { dpop: { algorithms: ["ES256", "Ed25519"] } }),
    }),
    async ({ gate, origin, provider }) => {
      const keys = await dpop.generateKeyPair(algorithm, { extractable: false });
      const endpoint = `${provider.issuer}/token`;
      const granted = await fetch(endpoint, {
        method: "POST",
        headers: { DPoP: await dpop.generateProof(keys, endpoint, "POST") },
        body: new URLSearchParams({
          grant_type: "client_credentials",
          client_id: CLIENT,
          client_secret: PASSWORD,
          resource: AUDIENCE,
          scope: "read",
        }),
      });
      const { access_token: token } = await granted.json();
      const url = `${gate.url}/api/items`;
      const proof = await dpop.generateProof(keys, url, "GET", undefined, token);
      const headers = { Authorization: `DPoP ${token}`, DPoP: proof };
      await assertAdmitted(await gate.fetch("/api/items?x", { headers }), origin);
      const again = await gate.fetch("/api/items", { headers });
      await assertProblem(again, 401, { detail: "proof_replayed" });
      await provider.expectFetches([JWKS]);
    },
  );
}

providerTest(
  "a token that the provider binds to a client certificate needs this certificate",
  (site) => ({
    clock: false,
    runtime: "workerd",
    cfHeader: "Test-Cf",
    policy: policy(site, { mtls: {} }),
  }),
  async ({ gate, origin, provider }) => {
    const pem = readFileSync(path.join(repository, "tests/it/keys/rsa2048.cert.pem"), "utf8");
    const granted = await fetch(`${provider.issuer}/token`, {
      method: "POST",
      headers: { "X-Test-Certificate": Buffer.from(pem).toString("base64") },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: `mtls-${CLIENT}`,
        client_secret: PASSWORD,
        resource: AUDIENCE,
        scope: "read",
      }),
    });
    const { access_token: token, token_type: type } = await granted.json();
    assert.equal(type, "Bearer");
    const send = (/** @type {object | undefined} */ tlsClientAuth) =>
      gate.fetchWith(token, "/api/items", {
        headers: { "Test-Cf": JSON.stringify({ tlsClientAuth }) },
      });
    const fingerprint = new X509Certificate(pem).fingerprint256.replaceAll(":", "");
    const certificate = {
      certPresented: "1",
      certVerified: "SUCCESS",
      certRevoked: "0",
      certFingerprintSHA256: fingerprint.toLowerCase(),
    };
    await assertAdmitted(await send(certificate), origin);
    await assertProblem(await send(undefined), 401, { detail: "missing_certificate" });
    await provider.expectFetches([JWKS]);
  },
);
