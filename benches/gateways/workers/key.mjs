// The verification key as a `CryptoKey`, imported once per isolate. All libraries are fastest with
// this form.

/**
 * The bindings of the gateways that are written in JavaScript.
 *
 * @typedef {object} Env
 * @property {string} ALGORITHM
 * @property {string} AUDIENCE
 * @property {string} [HOST] Another host, to which the Worker forwards.
 * @property {string} ISSUER
 * @property {boolean} [IS_API] Whether the Worker responds by itself instead of forwarding.
 * @property {JsonWebKey} JWK
 * @property {Fetcher} ORIGIN
 * @property {string} [SECRET]
 */

/** @type {Record<string, SubtleCryptoImportKeyAlgorithm>} */
const WEB_CRYPTO = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};

/** @type {Promise<CryptoKey> | undefined} */
let imported;

/** @param {Env} env */
export function verificationKey({ ALGORITHM, JWK }) {
  const algorithm = /** @type {SubtleCryptoImportKeyAlgorithm} */ (WEB_CRYPTO[ALGORITHM]);
  imported ??= crypto.subtle.importKey("jwk", JWK, algorithm, false, ["verify"]);
  return imported;
}
