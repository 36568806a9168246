// Makes valid and invalid tokens with node:crypto.

import {
  constants,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  KeyObject,
  sign as signWithKey,
} from "node:crypto";

/**
 * A private key, or a secret.
 *
 * @typedef {KeyObject | string | Uint8Array} SigningKey
 */

export const now = () => Math.floor(Date.now() / 1000);

/** @param {string | Uint8Array} bytes */
export const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

/** @type {Record<string, string>} */
const HASHES = { 256: "sha256", 384: "sha384", 512: "sha512" };

/**
 * Returns the raw signature of `input` under `alg`, whatever the token's header says.
 *
 * @param {string} input
 * @param {{alg: string, key: SigningKey}} signer
 */
export function signatureOver(input, { alg, key }) {
  const hash = HASHES[alg.slice(2)] ?? "";
  const data = Buffer.from(input);
  const privateKey = /** @type {KeyObject} */ (key);
  switch (alg.slice(0, 2)) {
    case "HS": {
      const secret =
        typeof key === "string" || key instanceof Uint8Array
          ? createSecretKey(Buffer.from(key))
          : key;
      return createHmac(hash, secret).update(data).digest();
    }
    case "RS":
      return signWithKey(hash, data, { key: privateKey, padding: constants.RSA_PKCS1_PADDING });
    case "PS":
      return signWithKey(hash, data, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case "ES":
      return signWithKey(hash, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
    case "Ed":
      return signWithKey(null, data, privateKey);
    default:
      throw new TypeError(`unknown algorithm: ${alg}`);
  }
}

/**
 * The parts of a token. A header or payload that is text or bytes is used unchanged, for example
 * malformed JSON.
 *
 * @typedef {object} Parts
 * @property {string} [alg]
 * @property {SigningKey} key
 * @property {object | string | Uint8Array} [header] An object is completed with `alg` and `typ`.
 * @property {object | string | Uint8Array} [payload]
 */

/**
 * Makes a compact JWS.
 *
 * @param {Parts} parts
 */
export function token({ alg = "HS256", key, header = {}, payload = {} }) {
  const head = isText(header) ? header : JSON.stringify({ alg, typ: "JWT", ...header });
  const body = isText(payload) ? payload : JSON.stringify(payload);
  const input = `${base64url(head)}.${base64url(body)}`;
  return `${input}.${base64url(signatureOver(input, { alg, key }))}`;
}

/**
 * Joins segments that are already encoded.
 *
 * @param {string[]} segments
 */
export const rawToken = (...segments) => segments.join(".");

/**
 * The segments of a token in compact serialization.
 *
 * @param {string} text
 * @returns {[header: string, payload: string, signature: string]}
 */
export const segments = (text) =>
  /** @type {[header: string, payload: string, signature: string]} */ (text.split("."));

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Replaces one character by another of the base64url alphabet, so that the text decodes to
 * different bytes.
 *
 * @param {string} text
 * @param {number} index
 */
export function withChangedCharacter(text, index) {
  // The highest of a character's six bits is never a spare bit.
  const position = ALPHABET.indexOf(text[index] ?? "");
  const changed = position < 0 ? "A" : ALPHABET[position ^ 32];
  return text.slice(0, index) + changed + text.slice(index + 1);
}

/**
 * Flips the lowest bit of one character, which is often a spare bit in the last character of a
 * segment.
 *
 * @param {string} text
 * @param {number} index
 */
export function withChangedLowBit(text, index) {
  const changed = ALPHABET[ALPHABET.indexOf(text[index] ?? "") ^ 1];
  return text.slice(0, index) + changed + text.slice(index + 1);
}

/**
 * Generates an RSA key pair and exports the public key in the usual formats.
 *
 * @param {{bits?: number, kid?: string}} [options]
 */
export function rsaKeys({ bits = 2048, kid } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const spki = pem(publicKey, "spki");
  return {
    privateKey,
    publicKey,
    spki,
    pkcs1: pem(publicKey, "pkcs1"),
    oneLine: spki.trimEnd().replaceAll("\n", "\\n"),
    der: publicKey.export({ type: "spki", format: "der" }),
    jwk: { ...publicKey.export({ format: "jwk" }), ...(kid === undefined ? {} : { kid }) },
  };
}

/**
 * Exports a public key as PEM.
 *
 * @param {KeyObject} key
 * @param {"spki" | "pkcs1"} [type]
 */
export const pem = (key, type = "spki") => String(key.export({ type, format: "pem" }));

/** @param {object | string | Uint8Array} value */
function isText(value) {
  return typeof value === "string" || value instanceof Uint8Array;
}
