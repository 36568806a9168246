// Gates that introspect the opaque tokens of a real provider, and clients with a key of their own.

import assert from "node:assert/strict";
import * as dpop from "dpop";
import { hs256, SECRET } from "./policies.mjs";
import { GATE_SECRET, INTROSPECTION, OPAQUE_AUDIENCE } from "./provider.mjs";

/** @import { GateOptions } from "./gate.mjs" */
/** @import { Origin } from "./origin.mjs" */
/** @import { Changes } from "./policies.mjs" */
/** @import { Provider } from "./provider.mjs" */
/** @import { Running } from "./running.mjs" */

/**
 * A gate whose only issuer introspects.
 *
 * @param {{origin: Origin, provider: Provider, providers: Provider[], issuer?: Changes,
 *   introspection?: Changes} & Changes} options and further keys of the policy
 * @returns {GateOptions}
 */
export function introspecting(options) {
  const { origin, provider, providers: _, issuer = {}, introspection = {}, ...changes } = options;
  const endpoint = introspection.discovery
    ? {}
    : { endpoint: `${provider.issuer}${INTROSPECTION}` };
  return {
    policy: hs256({
      origin,
      errors: { detail: "reason" },
      issuers: [
        {
          name: "provider",
          issuer: provider.issuer,
          audience: OPAQUE_AUDIENCE,
          introspection: {
            ...endpoint,
            client_id: "gate",
            ...(introspection.private_key ? {} : { client_secret: "GATE_SECRET" }),
            ...introspection,
          },
          ...issuer,
        },
      ],
      ...changes,
    }),
    secrets: { GATE_SECRET, SECRET },
  };
}

/**
 * The keys of an issuer that has some.
 *
 * @param {Provider} provider
 */
export const keysOf = (provider) => ({
  algorithms: ["RS256", "ES256", "EdDSA"],
  keys: { jwks_uri: provider.jwksUri },
});

/** A client with a key, which is not extractable, and an opaque token that is bound to it. */
export class BoundClient {
  #keys;
  token;

  /**
   * @param {CryptoKeyPair} keys
   * @param {string} token
   */
  constructor(keys, token) {
    this.#keys = keys;
    this.token = token;
  }

  /**
   * Requests a token from a provider.
   *
   * @param {Provider} provider
   */
  static async of(provider) {
    const keys = await dpop.generateKeyPair("ES256");
    const endpoint = `${provider.issuer}/token`;
    const answer = await provider.grant({
      headers: { DPoP: await dpop.generateProof(keys, endpoint, "POST") },
      alg: "ES256",
      audience: OPAQUE_AUDIENCE,
    });
    assert.equal(answer.token_type, "DPoP");
    return new BoundClient(keys, answer.access_token);
  }

  /** Somebody who has the token, and another key. */
  async thief() {
    return new BoundClient(await dpop.generateKeyPair("ES256"), this.token);
  }

  /**
   * Makes a proof for a GET request.
   *
   * @param {Running} gate
   * @param {string} path
   * @param {string} [nonce]
   */
  proof(gate, path, nonce) {
    return dpop.generateProof(this.#keys, `${gate.url}${path}`, "GET", nonce, this.token);
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
   * @param {{nonce?: string, headers?: Record<string, string>}} [options]
   */
  async fetch(gate, path, { nonce, headers = {} } = {}) {
    const own = this.headers(await this.proof(gate, path, nonce));
    return gate.fetch(path, { headers: { ...headers, ...own } });
  }
}
