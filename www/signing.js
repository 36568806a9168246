// Generates keys with WebCrypto and signs tokens with them. The private keys are not extractable.

import { encodeText, toBase64url } from "./token.js";

/** @typedef {JsonWebKey & {kid: string}} PublicJwk */
/** @typedef {{alg: string, privateKey: CryptoKey, publicJwk: PublicJwk}} LocalKey */
/** @typedef {EcKeyGenParams & RsaHashedKeyGenParams} KeyParams */
/** @typedef {Algorithm & {hash?: string, saltLength?: number}} SignParams */

/** @typedef {{label: string, generate: Algorithm & Partial<KeyParams>, sign: SignParams}} Signer */

/**
 * The algorithms that browsers can sign with, and the WebCrypto parameters of each.
 *
 * @type {Record<string, Signer>}
 */
export const ALGORITHMS = {
  ES256: {
    label: "P-256",
    generate: { name: "ECDSA", namedCurve: "P-256" },
    sign: { name: "ECDSA", hash: "SHA-256" },
  },
  ES384: {
    label: "P-384",
    generate: { name: "ECDSA", namedCurve: "P-384" },
    sign: { name: "ECDSA", hash: "SHA-384" },
  },
  EdDSA: { label: "Ed25519", generate: { name: "Ed25519" }, sign: { name: "Ed25519" } },
  RS256: {
    label: "RSA 2048",
    generate: rsa("RSASSA-PKCS1-v1_5"),
    sign: { name: "RSASSA-PKCS1-v1_5" },
  },
  PS256: {
    label: "RSA 2048, PSS",
    generate: rsa("RSA-PSS"),
    sign: { name: "RSA-PSS", saltLength: 32 },
  },
};

/** @param {string} name */
function rsa(name) {
  return { name, hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
}

/** @param {string} alg */
function parameters(alg) {
  const found = ALGORITHMS[alg];
  if (!found) throw new Error(`no parameters for ${alg}`);
  return found;
}

/** @type {Map<string, Promise<LocalKey>>} */
const keys = new Map();

/**
 * Returns the page's key for an algorithm. The key is generated on first use.
 *
 * @param {string} alg
 */
export function localKey(alg) {
  const key = keys.get(alg) ?? generate(alg);
  keys.set(alg, key);
  key.catch(() => keys.delete(alg));
  return key;
}

/**
 * @param {string} alg
 * @returns {Promise<LocalKey>}
 */
async function generate(alg) {
  const pair = await crypto.subtle.generateKey(parameters(alg).generate, false, ["sign", "verify"]);
  const { privateKey, publicKey } = /** @type {CryptoKeyPair} */ (pair);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", publicKey);
  // A thumbprint needs the members in this order (RFC 7638 section 3.2, RFC 8037 section 2).
  const members = Object.fromEntries(
    Object.entries({ crv, e, kty, n, x, y }).filter(([, value]) => value !== undefined),
  );
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(JSON.stringify(members)),
  );
  return { alg, privateKey, publicJwk: { ...members, kid: toBase64url(digest), alg, use: "sig" } };
}

/**
 * Signs claims as a compact JWS (RFC 7515 section 3.1). The JSON text of the claims is signed
 * unchanged.
 *
 * @param {LocalKey} key
 * @param {string} claims JSON text
 */
export async function sign({ alg, privateKey, publicJwk }, claims) {
  const header = { alg, typ: "JWT", kid: publicJwk.kid };
  const input = `${encodeText(JSON.stringify(header))}.${encodeText(claims)}`;
  const signature = await crypto.subtle.sign(
    parameters(alg).sign,
    privateKey,
    new TextEncoder().encode(input),
  );
  return `${input}.${toBase64url(signature)}`;
}
