// Makes the keys of the corpus, and tokens from raw text that no JSON library would write.

import { constants, createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** @import { JsonWebKey, KeyObject } from "node:crypto" */

export const ISSUER = "https://issuer.example/";
export const AUDIENCE = "https://api.example.com";

export const ALGORITHMS = ["HS256", "RS256", "ES256", "EdDSA"];

/** The time at which the corpus is made, in seconds. */
export const NOW = Math.floor(Date.now() / 1000);

/** An hour, in seconds: far enough from now that no run takes so long. */
export const HOUR = 3600;

/**
 * What the standard says about a token: it must be accepted, it must be rejected, or the verifier
 * may do either.
 *
 * @typedef {"accept" | "reject" | "either"} Verdict
 */

/**
 * One token of the corpus.
 *
 * @typedef {object} Case
 * @property {string} class
 * @property {string} title Unique among the cases of a class and a key.
 * @property {string} key The name of the key with which the verifier is configured.
 * @property {string} token
 * @property {Verdict} verdict
 * @property {string} section The section of the standard that decides.
 * @property {string} why
 */

/**
 * A key as the verifiers get it.
 *
 * @typedef {object} PublicKey
 * @property {string} algorithm
 * @property {JsonWebKey} jwk
 * @property {string} [secret] Only for HS256: the secret, which is ASCII.
 * @property {string} [pem] Only for public keys.
 */

/** @typedef {string | Buffer | object} Part An object is written as JSON. */

/**
 * A key that signs.
 *
 * @typedef {PublicKey & {sign: (input: string | Buffer) => Buffer, publicKey?: KeyObject,
 *   privateKey?: KeyObject}} Signer
 */

/** @returns {Signer} */
function hmacKey() {
  const secret = randomBytes(36).toString("base64url");
  return {
    algorithm: "HS256",
    secret,
    jwk: { kty: "oct", k: Buffer.from(secret).toString("base64url"), alg: "HS256" },
    sign: (input) => createHmac("sha256", secret).update(input).digest(),
  };
}

/**
 * @param {string} algorithm
 * @returns {Signer}
 */
function keyPair(algorithm) {
  const { publicKey, privateKey } = {
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  }[/** @type {"RS256" | "ES256" | "EdDSA"} */ (algorithm)]();
  const hash = algorithm === "EdDSA" ? null : "sha256";
  return {
    algorithm,
    jwk: { ...publicKey.export({ format: "jwk" }), alg: algorithm, use: "sig" },
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    sign: (input) =>
      sign(hash, Buffer.from(input), {
        key: privateKey,
        dsaEncoding: "ieee-p1363",
        ...(algorithm === "RS256" && { padding: constants.RSA_PKCS1_PADDING }),
      }),
    publicKey,
    privateKey,
  };
}

/**
 * A new key for an algorithm.
 *
 * @param {string} algorithm
 */
export function newKey(algorithm) {
  return algorithm === "HS256" ? hmacKey() : keyPair(algorithm);
}

/** @param {Part} part */
export function bytes(part) {
  if (Buffer.isBuffer(part)) return part;
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part));
}

/** @param {Part} part */
export const b64 = (part) => bytes(part).toString("base64url");

/**
 * Claims of a valid token, with some replaced or added. `undefined` removes a claim.
 *
 * @param {Record<string, unknown>} [changes]
 */
export function claims(changes = {}) {
  return { iss: ISSUER, aud: AUDIENCE, sub: "user-1", iat: NOW, exp: NOW + HOUR, ...changes };
}

/**
 * The claims as JSON, with raw text as the value of one of them.
 *
 * @param {string} name
 * @param {string} text
 */
export function claimText(name, text) {
  return JSON.stringify(claims({ [name]: "MARK" })).replace('"MARK"', () => text);
}

/**
 * The claims as JSON, with raw text before the closing brace. Some claims can be replaced before.
 *
 * @param {string} text
 * @param {Record<string, unknown>} [changes]
 */
export function claimsAnd(text, changes) {
  return `${JSON.stringify(claims(changes)).slice(0, -1)},${text}}`;
}

/**
 * A usual header, with some members replaced or added. `undefined` removes a member.
 *
 * @param {Signer} key
 * @param {Record<string, unknown>} [changes]
 */
export function header(key, changes = {}) {
  return { alg: key.algorithm, typ: "JWT", ...changes };
}

/**
 * The header as JSON, with raw text before the closing brace.
 *
 * @param {Signer} key
 * @param {string} text
 */
export function headerAnd(key, text) {
  return `${JSON.stringify(header(key)).slice(0, -1)},${text}}`;
}

/**
 * A token from two segments as they are, signed with the key.
 *
 * @param {Signer} key
 * @param {string} headerSegment
 * @param {string} payloadSegment
 */
export function seal(key, headerSegment, payloadSegment) {
  const input = `${headerSegment}.${payloadSegment}`;
  return `${input}.${b64(key.sign(input))}`;
}

/**
 * A token signed with the key. Without options, it is valid.
 *
 * @param {Signer} key
 * @param {{header?: Part, payload?: Part}} [parts]
 */
export function token(key, { header: head = header(key), payload = claims() } = {}) {
  return seal(key, b64(head), b64(payload));
}

/**
 * The three segments of a token.
 *
 * @param {string} text
 * @returns {[string, string, string]}
 */
export function segments(text) {
  const [head = "", payload = "", signature = ""] = text.split(".");
  return [head, payload, signature];
}

/**
 * A token with another signature.
 *
 * @param {string} text
 * @param {Part} signature
 */
export function withSignature(text, signature) {
  return `${text.slice(0, text.lastIndexOf("."))}.${b64(signature)}`;
}

/**
 * Makes values until one of them fits.
 *
 * @template T
 * @param {(attempt: number) => T} make
 * @param {(made: T) => boolean} fits
 */
export function until(make, fits) {
  for (let attempt = 0; attempt < 100_000; attempt += 1) {
    const made = make(attempt);
    if (fits(made)) return made;
  }
  throw new Error("no attempt fits");
}

/** The cases of one class. */
export class Cases {
  /** @type {Case[]} */
  all = [];

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /**
   * Adds a case.
   *
   * @param {Verdict} verdict
   * @param {string} key
   * @param {string} title
   * @param {string} text The token.
   * @param {string} section
   * @param {string} why
   */
  add(verdict, key, title, text, section, why) {
    this.all.push({ class: this.name, title, key, token: text, verdict, section, why });
  }
}
