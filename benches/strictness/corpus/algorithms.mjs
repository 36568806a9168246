// Algorithm confusion: tokens whose signature is right for another algorithm, or under another key.

import { constants, createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { ALGORITHMS, Cases, b64, claims, header, newKey, token } from "../kit.mjs";

/** @import { Signer } from "../kit.mjs" */

/** The class of tokens that are not signed with the configured key and algorithm. */
export const ALGORITHMS_AND_KEYS = "Algorithms and keys";

const ALLOWED = "RFC 8725 section 3.1";
const ONLY = "Only the algorithms that the application allows may be used.";
const WRONG_KEY = "The signature must verify under the configured key.";

/**
 * A token whose signature is made by a function.
 *
 * @param {object} head
 * @param {(input: string) => Buffer} make
 */
function signed(head, make) {
  const input = `${b64(head)}.${b64(claims())}`;
  return `${input}.${b64(make(input))}`;
}

/**
 * @param {string} hash
 * @param {string | Buffer} secret
 */
const hmac = (hash, secret) => (/** @type {string} */ input) =>
  createHmac(hash, secret).update(input).digest();

/** @param {Record<string, Signer>} keys */
export function algorithms(keys) {
  const cases = new Cases(ALGORITHMS_AND_KEYS);
  /**
   * @param {string} name
   * @param {string} title
   * @param {string} text
   * @param {string} [section]
   * @param {string} [why]
   */
  const reject = (name, title, text, section = ALLOWED, why = ONLY) =>
    cases.add("reject", name, title, text, section, why);

  for (const name of ALGORITHMS) {
    const other = newKey(name);
    reject(
      name,
      "signed with another key of the same kind",
      token(other),
      "RFC 7515 section 5.2",
      WRONG_KEY,
    );
    reject(
      name,
      "signed with another key, and the header has no typ",
      token(other, { header: { alg: name } }),
      "RFC 7515 section 5.2",
      WRONG_KEY,
    );
    for (const wrong of ALGORITHMS.filter((one) => one !== name)) {
      const foreign = newKey(wrong);
      reject(name, `signed with ${wrong} and a key of that kind`, token(foreign));
      reject(
        name,
        `alg is ${name}, but signed with ${wrong}`,
        token(foreign, { header: { alg: name, typ: "JWT" } }),
        "RFC 7515 section 5.2",
        WRONG_KEY,
      );
      reject(
        name,
        `alg is ${wrong}, but signed with ${name}`,
        token(/** @type {Signer} */ (keys[name]), { header: { alg: wrong, typ: "JWT" } }),
      );
    }
  }

  const hs = /** @type {Signer} */ (keys.HS256);
  const secret = hs.secret ?? "";
  for (const [alg, hash] of [
    ["HS384", "sha384"],
    ["HS512", "sha512"],
  ]) {
    reject(
      "HS256",
      `signed with ${alg} and the same secret`,
      signed({ alg, typ: "JWT" }, hmac(hash ?? "", secret)),
    );
    reject(
      "HS256",
      `alg is HS256, but signed with ${alg}`,
      signed(header(hs), hmac(hash ?? "", secret)),
      "RFC 7515 section 5.2",
      WRONG_KEY,
    );
    reject(
      "HS256",
      `alg is ${alg}, but signed with HS256`,
      token(hs, { header: { alg, typ: "JWT" } }),
    );
  }
  for (const [title, wrong] of Object.entries({
    "an empty secret": "",
    "a secret of 32 zero bytes": Buffer.alloc(32),
    "the word secret": "secret",
    "the word null": "null",
    "the word undefined": "undefined",
    "the text [object Object]": "[object Object]",
    "the secret and a line break": `${secret}\n`,
    "the secret in base64": Buffer.from(secret).toString("base64"),
    "the secret, decoded from base64url": Buffer.from(secret, "base64url"),
    "the first half of the secret": secret.slice(0, secret.length / 2),
    "the SHA-256 hash of the token's input as the secret": "sha256",
  }))
    reject(
      "HS256",
      `signed with ${title}`,
      signed(header(hs), hmac("sha256", wrong)),
      "RFC 7515 section 5.2",
      WRONG_KEY,
    );

  for (const name of ["RS256", "ES256", "EdDSA"]) {
    const own = /** @type {Signer} */ (keys[name]);
    const pem = own.pem ?? "";
    const der = /** @type {Buffer} */ (own.publicKey?.export({ type: "spki", format: "der" }));
    /** @type {Record<string, string | Buffer>} */
    const secrets = {
      "the public key in PEM": pem,
      "the public key in PEM without its last line break": pem.trimEnd(),
      "the public key in PEM after a line break": `\n${pem}`,
      "the public key in PEM with CR LF": pem.replaceAll("\n", "\r\n"),
      "the public key in PEM without line breaks": pem.replaceAll("\n", ""),
      "the base64 text of the public key": der.toString("base64"),
      "the public key in DER": der,
      "the public key as a JWK": JSON.stringify(own.jwk),
      "the public key as a JWK without alg and use": JSON.stringify({
        ...own.jwk,
        alg: undefined,
        use: undefined,
      }),
      "the text of the JWK's number": own.jwk.n ?? own.jwk.x ?? "",
      "the bytes of the JWK's number": Buffer.from(own.jwk.n ?? own.jwk.x ?? "", "base64url"),
      "an empty secret": "",
    };
    if (name === "RS256")
      secrets["the public key in PKCS #1"] = /** @type {string} */ (
        own.publicKey?.export({ type: "pkcs1", format: "pem" })
      );
    for (const [title, wrong] of Object.entries(secrets)) {
      reject(
        name,
        `HS256 with ${title} as the secret`,
        signed({ alg: "HS256", typ: "JWT" }, hmac("sha256", wrong)),
      );
      if (title === "the public key in PEM" || title === "the public key in DER") {
        reject(
          name,
          `HS512 with ${title} as the secret`,
          signed({ alg: "HS512", typ: "JWT" }, hmac("sha512", wrong)),
        );
        reject(
          name,
          `alg is ${name}, but HMAC with ${title} as the secret`,
          signed(header(own), hmac("sha256", wrong)),
          "RFC 7515 section 5.2",
          WRONG_KEY,
        );
      }
    }
  }

  const rs = /** @type {Signer} */ (keys.RS256);
  const rsa = createPrivateKey(
    /** @type {any} */ (rs.privateKey).export({ type: "pkcs8", format: "pem" }),
  );
  /**
   * @param {string} hash
   * @param {boolean} pss
   */
  const withRsa = (hash, pss) => (/** @type {string} */ input) =>
    sign(hash, Buffer.from(input), {
      key: rsa,
      ...(pss
        ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
        : {}),
    });
  for (const bits of [384, 512]) {
    reject(
      "RS256",
      `signed with RS${bits} and the same key`,
      signed({ alg: `RS${bits}`, typ: "JWT" }, withRsa(`sha${bits}`, false)),
    );
    reject(
      "RS256",
      `alg is RS256, but signed with RS${bits}`,
      signed(header(rs), withRsa(`sha${bits}`, false)),
      "RFC 7518 section 3.3",
      WRONG_KEY,
    );
    reject(
      "RS256",
      `alg is RS${bits}, but signed with RS256`,
      signed({ alg: `RS${bits}`, typ: "JWT" }, withRsa("sha256", false)),
    );
  }
  reject(
    "RS256",
    "signed with PS256 and the same key",
    signed({ alg: "PS256", typ: "JWT" }, withRsa("sha256", true)),
  );
  reject(
    "RS256",
    "alg is RS256, but signed with PS256",
    signed(header(rs), withRsa("sha256", true)),
    "RFC 7518 section 3.3",
    WRONG_KEY,
  );
  reject(
    "RS256",
    "alg is PS256, but signed with RS256",
    signed({ alg: "PS256", typ: "JWT" }, withRsa("sha256", false)),
  );
  reject(
    "RS256",
    "alg is RS1, signed with SHA-1",
    signed({ alg: "RS1", typ: "JWT" }, withRsa("sha1", false)),
  );

  const es = /** @type {Signer} */ (keys.ES256);
  /**
   * @param {string} hash
   * @param {import("node:crypto").KeyObject | undefined} key
   */
  const withEc = (hash, key) => (/** @type {string} */ input) =>
    sign(hash, Buffer.from(input), { key: /** @type {any} */ (key), dsaEncoding: "ieee-p1363" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const k256 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
  reject(
    "ES256",
    "signed with ES384 and a key on P-384",
    signed({ alg: "ES384", typ: "JWT" }, withEc("sha384", p384)),
  );
  reject(
    "ES256",
    "alg is ES256, but signed with a key on P-384",
    signed(header(es), withEc("sha256", p384)),
    "RFC 7518 section 3.4",
    WRONG_KEY,
  );
  reject(
    "ES256",
    "signed with ES256K and a key on secp256k1",
    signed({ alg: "ES256K", typ: "JWT" }, withEc("sha256", k256)),
  );
  reject(
    "ES256",
    "alg is ES256, but signed with a key on secp256k1",
    signed(header(es), withEc("sha256", k256)),
    "RFC 7518 section 3.4",
    WRONG_KEY,
  );
  reject(
    "ES256",
    "alg is ES256, but the hash is SHA-384",
    signed(header(es), withEc("sha384", es.privateKey)),
    "RFC 7518 section 3.4",
    WRONG_KEY,
  );
  reject(
    "ES256",
    "alg is ES384, but signed with ES256",
    signed({ alg: "ES384", typ: "JWT" }, withEc("sha256", es.privateKey)),
  );

  const ed = /** @type {Signer} */ (keys.EdDSA);
  const ed448 = generateKeyPairSync("ed448").privateKey;
  reject(
    "EdDSA",
    "signed with a key on Ed448",
    signed(header(ed), (input) => sign(null, Buffer.from(input), ed448)),
    "RFC 8037 section 3.1",
    WRONG_KEY,
  );
  reject(
    "EdDSA",
    "the SHA-512 hash is signed instead of the token",
    signed(header(ed), (input) =>
      sign(
        null,
        createHmac("sha512", "").update(input).digest(),
        /** @type {any} */ (ed.privateKey),
      ),
    ),
    "RFC 8037 section 3.1",
    WRONG_KEY,
  );
  cases.add(
    "either",
    "EdDSA",
    "alg is Ed25519, signed with the key",
    token(ed, { header: { alg: "Ed25519", typ: "JWT" } }),
    "RFC 9864 section 2.2",
    "Ed25519 is the fully-specified name of what EdDSA does with this key; a verifier may allow it or not.",
  );
  return cases.all;
}
