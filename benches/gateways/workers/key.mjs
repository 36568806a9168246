// The verification key, imported once an isolate, as a `CryptoKey`: the form that costs each library least.

const WEB_CRYPTO = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
};

let imported;

export function verificationKey({ ALGORITHM, JWK }) {
  imported ??= crypto.subtle.importKey("jwk", JWK, WEB_CRYPTO[ALGORITHM], false, ["verify"]);
  return imported;
}
