// Makes tokens with node:crypto: good ones, and any kind of bad one.

import {
  constants,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  sign as signWithKey,
} from "node:crypto";

export const now = () => Math.floor(Date.now() / 1000);

export const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

const HASHES = { 256: "sha256", 384: "sha384", 512: "sha512" };

/** The raw signature bytes over `input`; `alg` says how, whatever the token's header says. */
export function signatureOver(input, { alg, key }) {
  const hash = HASHES[alg.slice(2)];
  const data = Buffer.from(input);
  switch (alg.slice(0, 2)) {
    case "HS": {
      const secret =
        typeof key === "string" || key instanceof Uint8Array
          ? createSecretKey(Buffer.from(key))
          : key;
      return createHmac(hash, secret).update(data).digest();
    }
    case "RS":
      return signWithKey(hash, data, { key, padding: constants.RSA_PKCS1_PADDING });
    case "PS":
      return signWithKey(hash, data, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case "ES":
      return signWithKey(hash, data, { key, dsaEncoding: "ieee-p1363" });
    case "Ed":
      return signWithKey(null, data, key);
    default:
      throw new TypeError(`no such algorithm here: ${alg}`);
  }
}

/**
 * A compact JWS. `header` and `payload` may be objects, or strings or bytes that are taken as they are (broken
 * JSON, say). `header` is completed with `alg` and `typ` unless it is given as text.
 */
export function token({ alg = "HS256", key, header = {}, payload = {} }) {
  const head = isText(header) ? header : JSON.stringify({ alg, typ: "JWT", ...header });
  const body = isText(payload) ? payload : JSON.stringify(payload);
  const input = `${base64url(head)}.${base64url(body)}`;
  return `${input}.${base64url(signatureOver(input, { alg, key }))}`;
}

/** A token whose three segments are given as text, unsigned and unencoded. */
export const rawToken = (...segments) => segments.join(".");

/** The segments of a token. */
export const segments = (text) => text.split(".");

/** The same text with one character changed: to another one of the base64url alphabet that decodes to other bytes. */
export function withChangedCharacter(text, index) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const old = text[index];
  // Flipping the highest of the six bits changes the decoded bytes wherever in a segment it stands.
  const position = alphabet.indexOf(old);
  const changed = position < 0 ? "A" : alphabet[position ^ 32];
  return text.slice(0, index) + changed + text.slice(index + 1);
}

/** The same text with the lowest bit of one character changed: in a segment's last character often a spare bit. */
export function withChangedLowBit(text, index) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const changed = alphabet[alphabet.indexOf(text[index]) ^ 1];
  return text.slice(0, index) + changed + text.slice(index + 1);
}

/** A fresh RSA key pair, with the public key in the forms people have. */
export function rsaKeys({ bits = 2048, kid } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const spki = publicKey.export({ type: "spki", format: "pem" });
  return {
    privateKey,
    publicKey,
    spki,
    pkcs1: publicKey.export({ type: "pkcs1", format: "pem" }),
    oneLine: spki.trimEnd().replaceAll("\n", "\\n"),
    der: publicKey.export({ type: "spki", format: "der" }),
    jwk: { ...publicKey.export({ format: "jwk" }), ...(kid === undefined ? {} : { kid }) },
  };
}

function isText(value) {
  return typeof value === "string" || value instanceof Uint8Array;
}
