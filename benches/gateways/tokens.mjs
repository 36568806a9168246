// Keys and tokens: of some 700 bytes, as an identity provider's are, and no two alike.

import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

export const ISSUER = "https://issuer.example/";
export const AUDIENCE = "https://api.example.com";
export const ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"];

const LIFETIME_SECONDS = 6 * 60 * 60;
const FILLING = "The quick brown fox jumps over the lazy dog. ".repeat(8);

const PAIRS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

/** Signs for one algorithm, with a key of its own. */
export class Signer {
  #sign;
  #count = 0;

  constructor(algorithm) {
    this.algorithm = algorithm;
    this.kid = `${algorithm}-key`;
    if (algorithm === "HS256") {
      const secret = randomBytes(48).toString("base64url");
      this.secret = secret;
      this.jwk = { kty: "oct", k: Buffer.from(secret).toString("base64url"), alg: algorithm };
      this.#sign = (input) => createHmac("sha256", secret).update(input).digest();
    } else {
      const { privateKey, publicKey } = PAIRS[algorithm]();
      this.jwk = {
        ...publicKey.export({ format: "jwk" }),
        kid: this.kid,
        alg: algorithm,
        use: "sig",
      };
      const key =
        algorithm === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" } : privateKey;
      const hash = algorithm === "EdDSA" ? null : "sha256";
      this.#sign = (input) => sign(hash, Buffer.from(input), key);
    }
    this.header = encoded({ alg: algorithm, typ: "JWT", kid: this.kid });
  }

  /** A token that every gateway lets in, and that no one has seen before. */
  token() {
    const now = Math.floor(Date.now() / 1000);
    this.#count += 1;
    const claims = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: `user-${this.#count}`,
      iat: now,
      exp: now + LIFETIME_SECONDS,
      jti: randomBytes(16).toString("hex"),
      scope: "read write",
      // RSA's signature is 256 bytes more: all tokens come out near 700.
      filling: FILLING.slice(0, this.algorithm === "RS256" ? 60 : 250),
    };
    const input = `${this.header}.${encoded(claims)}`;
    return `${input}.${this.#sign(input).toString("base64url")}`;
  }

  tokens(count) {
    return Array.from({ length: count }, () => this.token());
  }
}

function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** The token with one bit of its signature changed. */
export function forged(token) {
  const dot = token.lastIndexOf(".");
  const signature = Buffer.from(token.slice(dot + 1), "base64url");
  signature[10] ^= 1;
  return `${token.slice(0, dot)}.${signature.toString("base64url")}`;
}
