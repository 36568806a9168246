// Generates keys and tokens. Each token is unique and has about 700 bytes, like those of identity
// providers.

import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { AUDIENCE, ISSUER } from "./claims.mjs";

/** @import { JsonWebKey, KeyObject } from "node:crypto" */

export { AUDIENCE, ISSUER };
export const ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"];

const LIFETIME_SECONDS = 6 * 60 * 60;
const FILLING = "The quick brown fox jumps over the lazy dog. ".repeat(8);

/** @type {Record<string, () => {privateKey: KeyObject, publicKey: KeyObject}>} */
const PAIRS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};

/** Signs tokens for one algorithm with its own key. */
export class Signer {
  /** @type {(input: string) => Buffer} */
  #sign;
  /** @type {KeyObject | undefined} */
  #privateKey;
  #count = 0;
  /**
   * The shared secret, if the algorithm has one.
   *
   * @type {string | undefined}
   */
  secret;
  /** @type {JsonWebKey} */
  jwk;

  /** @param {string} algorithm */
  constructor(algorithm) {
    this.algorithm = algorithm;
    this.kid = `${algorithm}-key`;
    const generate = PAIRS[algorithm];
    if (generate === undefined) {
      const secret = randomBytes(48).toString("base64url");
      this.secret = secret;
      this.jwk = { kty: "oct", k: Buffer.from(secret).toString("base64url"), alg: algorithm };
      this.#sign = (input) => createHmac("sha256", secret).update(input).digest();
    } else {
      const { privateKey, publicKey } = generate();
      this.#privateKey = privateKey;
      this.jwk = {
        ...publicKey.export({ format: "jwk" }),
        kid: this.kid,
        alg: algorithm,
        use: "sig",
      };
      const hash = algorithm === "EdDSA" ? null : "sha256";
      this.#sign = (input) =>
        algorithm === "ES256"
          ? sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" })
          : sign(hash, Buffer.from(input), privateKey);
    }
    this.header = encoded({ alg: algorithm, typ: "JWT", kid: this.kid });
  }

  /** Returns the private key as a JWK. */
  privateJwk() {
    if (this.#privateKey === undefined) throw new Error(`${this.algorithm} has no key pair`);
    return JSON.stringify(this.#privateKey.export({ format: "jwk" }));
  }

  /**
   * Makes a unique token that every gateway accepts.
   *
   * @param {Record<string, unknown>} [more] further claims
   */
  token(more = {}) {
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
      // An RSA signature has 256 bytes. With less filling, those tokens have about 700 bytes too.
      filling: FILLING.slice(0, this.algorithm === "RS256" ? 60 : 250),
      ...more,
    };
    const input = `${this.header}.${encoded(claims)}`;
    return `${input}.${this.#sign(input).toString("base64url")}`;
  }

  /** @param {number} count */
  tokens(count) {
    return Array.from({ length: count }, () => this.token());
  }
}

/** @param {object} value */
function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/**
 * Flips one bit of a token's signature.
 *
 * @param {string} token
 */
export function forged(token) {
  const dot = token.lastIndexOf(".");
  const signature = Buffer.from(token.slice(dot + 1), "base64url");
  signature.writeUInt8(signature.readUInt8(10) ^ 1, 10);
  return `${token.slice(0, dot)}.${signature.toString("base64url")}`;
}
