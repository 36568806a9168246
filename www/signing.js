// Keys that are made in this page by WebCrypto, and tokens signed with them. Private keys are not extractable.

import { encoded, toBase64url } from "./token.js";

/** What the page can sign with. @type {Record<string, {label: string, make: any, use: any}>} */
export const ALGORITHMS = {
  ES256: {
    label: "P-256",
    make: { name: "ECDSA", namedCurve: "P-256" },
    use: { name: "ECDSA", hash: "SHA-256" },
  },
  ES384: {
    label: "P-384",
    make: { name: "ECDSA", namedCurve: "P-384" },
    use: { name: "ECDSA", hash: "SHA-384" },
  },
  EdDSA: { label: "Ed25519", make: { name: "Ed25519" }, use: { name: "Ed25519" } },
  RS256: { label: "RSA 2048", make: rsa("RSASSA-PKCS1-v1_5"), use: { name: "RSASSA-PKCS1-v1_5" } },
  PS256: { label: "RSA 2048, PSS", make: rsa("RSA-PSS"), use: { name: "RSA-PSS", saltLength: 32 } },
};

/** @param {string} name */
function rsa(name) {
  return { name, hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
}

/** @typedef {{alg: string, privateKey: CryptoKey, publicJwk: Record<string, any>}} LocalKey */

/** @type {Map<string, Promise<LocalKey>>} */
const keys = new Map();

/** The page's key for an algorithm, made when it is first asked for. @param {string} alg */
export function localKey(alg) {
  const key = keys.get(alg) ?? make(alg);
  keys.set(alg, key);
  key.catch(() => keys.delete(alg));
  return key;
}

/** @param {string} alg @returns {Promise<LocalKey>} */
async function make(alg) {
  const pair = await crypto.subtle.generateKey(ALGORITHMS[alg]?.make, false, ["sign", "verify"]);
  const { privateKey, publicKey } = /** @type {CryptoKeyPair} */ (pair);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", publicKey);
  // In the order that a thumbprint wants (RFC 7638 section 3.2, RFC 8037 section 2).
  const members = Object.fromEntries(
    Object.entries({ crv, e, kty, n, x, y }).filter(([, value]) => value !== undefined),
  );
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(JSON.stringify(members)),
  );
  return { alg, privateKey, publicJwk: { ...members, kid: toBase64url(digest), alg, use: "sig" } };
}

/** A compact JWS (RFC 7515 section 3.1) over claims as they are written. @param {LocalKey} key @param {string} claims JSON text */
export async function sign({ alg, privateKey, publicJwk }, claims) {
  const header = { alg, typ: "JWT", kid: publicJwk.kid };
  const input = `${encoded(JSON.stringify(header))}.${encoded(claims)}`;
  const signature = await crypto.subtle.sign(
    ALGORITHMS[alg]?.use,
    privateKey,
    new TextEncoder().encode(input),
  );
  return `${input}.${toBase64url(signature)}`;
}
