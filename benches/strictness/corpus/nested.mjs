// Tokens in tokens, and encrypted tokens.

import { createCipheriv, publicEncrypt, constants, randomBytes } from "node:crypto";
import { Cases, b64, claims, header, seal, segments, token } from "../kit.mjs";

/** @import { Signer } from "../kit.mjs" */

/**
 * An encrypted token (RFC 7516 section 7.1).
 *
 * @param {object} head
 * @param {Buffer} encryptedKey
 * @param {Buffer} contentKey
 */
function encrypted(head, encryptedKey, contentKey) {
  const [protectedHeader, iv] = [b64(head), randomBytes(12)];
  const cipher = createCipheriv("aes-256-gcm", contentKey, iv);
  cipher.setAAD(Buffer.from(protectedHeader));
  const text = Buffer.concat([cipher.update(JSON.stringify(claims())), cipher.final()]);
  return [protectedHeader, ...[encryptedKey, iv, text, cipher.getAuthTag()].map(b64)].join(".");
}

/** @param {Record<string, Signer>} keys */
export function nested(keys) {
  const cases = new Cases("Nested and encrypted tokens");
  const key = /** @type {Signer} */ (keys.HS256);
  const secret = Buffer.from(key.secret ?? "");
  const signed = "The application allows signed tokens with one algorithm.";
  const none = Buffer.alloc(0);
  const dir = { alg: "dir", enc: "A256GCM", typ: "JWT" };
  cases.add(
    "reject",
    "HS256",
    "encrypted with the secret",
    encrypted(dir, none, secret.subarray(0, 32)),
    "RFC 8725 section 3.1",
    signed,
  );
  cases.add(
    "reject",
    "HS256",
    "encrypted, and alg is HS256",
    encrypted({ ...dir, alg: "HS256" }, none, secret.subarray(0, 32)),
    "RFC 8725 section 3.1",
    signed,
  );
  cases.add(
    "reject",
    "HS256",
    "encrypted, and alg is none",
    encrypted({ ...dir, alg: "none" }, none, secret.subarray(0, 32)),
    "RFC 8725 section 3.1",
    signed,
  );
  const rs = /** @type {Signer} */ (keys.RS256);
  const contentKey = randomBytes(32);
  const wrapped = publicEncrypt(
    {
      key: /** @type {import("node:crypto").KeyObject} */ (rs.publicKey),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
    },
    contentKey,
  );
  cases.add(
    "reject",
    "RS256",
    "encrypted for the public key",
    encrypted({ alg: "RSA-OAEP", enc: "A256GCM" }, wrapped, contentKey),
    "RFC 8725 section 3.1",
    signed,
  );
  const inner = { alg: "none", typ: "JWT" };
  cases.add(
    "reject",
    "RS256",
    "encrypted for the public key, with an unsigned token inside",
    encrypted({ alg: "RSA-OAEP", enc: "A256GCM", cty: "JWT", inner }, wrapped, contentKey),
    "RFC 8725 section 3.3",
    "Every layer must be validated.",
  );

  const step = "RFC 7519 section 7.2";
  const again = "If cty is JWT, the payload must be a token too, and is validated as one.";
  const object = "The payload must be a JSON object, unless cty is JWT.";
  const plain = token(key);
  const [head, payload, signature] = segments(plain);
  const nestedHeader = header(key, { cty: "JWT" });
  const unsigned = `${b64(inner)}.${b64(claims())}.`;
  const forged = `${head}.${b64(claims({ sub: "admin" }))}.${signature}`;
  cases.add(
    "reject",
    "HS256",
    "cty is JWT, and the payload is a JSON object",
    token(key, { header: nestedHeader }),
    step,
    again,
  );
  cases.add(
    "reject",
    "HS256",
    "cty is JWT, and the payload is an unsigned token",
    token(key, { header: nestedHeader, payload: unsigned }),
    step,
    again,
  );
  cases.add(
    "reject",
    "HS256",
    "cty is JWT, and the payload is a forged token",
    token(key, { header: nestedHeader, payload: forged }),
    step,
    again,
  );
  cases.add(
    "reject",
    "HS256",
    "cty is JWT, and the payload is an expired token",
    token(key, { header: nestedHeader, payload: token(key, { payload: claims({ exp: 1 }) }) }),
    step,
    again,
  );
  cases.add(
    "either",
    "HS256",
    "cty is JWT, and the payload is a valid token",
    token(key, { header: nestedHeader, payload: plain }),
    step,
    "Support for nested tokens is optional.",
  );
  cases.add(
    "reject",
    "HS256",
    "the payload is a valid token, without cty",
    token(key, { payload: plain }),
    step,
    object,
  );
  cases.add(
    "reject",
    "HS256",
    "the payload is a valid token in quotation marks",
    token(key, { payload: JSON.stringify(plain) }),
    step,
    object,
  );
  cases.add(
    "reject",
    "HS256",
    "the payload is encoded twice",
    seal(key, head, b64(payload)),
    step,
    object,
  );
  cases.add(
    "reject",
    "HS256",
    "the header is encoded twice",
    seal(key, b64(head), payload),
    step,
    "The header must be a JSON object.",
  );
  cases.add(
    "reject",
    "HS256",
    "the payload is not encoded",
    seal(key, head, JSON.stringify(claims({ iss: "a", aud: "b" })).replaceAll(".", "")),
    "RFC 7515 section 5.2",
    "The payload is decoded from base64url.",
  );
  cases.add(
    "reject",
    "HS256",
    "the payload is deflated",
    token(key, {
      header: header(key, { zip: "DEF" }),
      payload: Buffer.from("ab56ca2c2e56b2524acb2c2a2e51d25148cd4d2c51d251ca4ccccc01", "hex"),
    }),
    step,
    object,
  );
  cases.add(
    "accept",
    "HS256",
    "an ordinary claim holds a token",
    token(key, { payload: claims({ act: unsigned }) }),
    "RFC 7519 section 4",
    "Claims that are not understood are ignored.",
  );
  return cases.all;
}
