// Signatures that are damaged or forged, and unusual ones that are valid.

import { constants, createHash, createHmac, privateEncrypt, sign } from "node:crypto";
import {
  ALGORITHMS,
  Cases,
  b64,
  claims,
  header,
  segments,
  token,
  until,
  withSignature,
} from "../kit.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { PublicKey, Signer } from "../kit.mjs" */

/** The class of tokens with damaged, forged and unusual signatures. */
export const SIGNATURES = "Signatures";

/** The order of P-256. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** The order of the subgroup of Ed25519 (RFC 8032 section 5.1). */
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/**
 * @param {bigint} number
 * @param {number} size in bytes
 */
const bigEndian = (number, size) => Buffer.from(number.toString(16).padStart(2 * size, "0"), "hex");
/**
 * @param {bigint} number
 * @param {number} size in bytes
 */
const littleEndian = (number, size) => bigEndian(number, size).reverse();
const fromBigEndian = (/** @type {Buffer} */ bytes) => BigInt(`0x${bytes.toString("hex")}`);
const fromLittleEndian = (/** @type {Buffer} */ bytes) =>
  fromBigEndian(Buffer.from(bytes).reverse());

/** The name of the key of small order, which is no key of the usual ones. */
export const SMALL_ORDER = "EdDSA, a key of order 2";

/** @param {Record<string, Signer>} keys */
export function signatures(keys) {
  const cases = new Cases(SIGNATURES);
  const VERIFY = "RFC 7515 section 5.2";
  const WRONG = "The signature must verify.";

  for (const name of ALGORITHMS) {
    const own = /** @type {Signer} */ (keys[name]);
    const valid = token(own);
    const [head, payload, segment] = segments(valid);
    const signature = Buffer.from(segment, "base64url");
    const size = signature.length;
    const flipped = (/** @type {number} */ index, bit = 1) => {
      const copy = Buffer.from(signature);
      copy.writeUInt8(copy.readUInt8(index) ^ bit, index);
      return copy;
    };
    const other = segments(token(own, { payload: claims({ sub: "user-2" }) }));
    for (const [title, text] of Object.entries({
      "is empty": `${head}.${payload}.`,
      "is missing": `${head}.${payload}`,
      "is that of another payload": `${head}.${payload}.${other[2]}`,
      "is over another payload with admin added": `${head}.${b64(claims({ admin: true }))}.${segment}`,
      "is that of another header": `${b64(header(own, { kid: "x" }))}.${payload}.${segment}`,
      "is over the payload alone": withSignature(valid, own.sign(payload)),
      "is over the header alone": withSignature(valid, own.sign(head)),
      "is over the decoded text": withSignature(
        valid,
        own.sign(`${JSON.stringify(header(own))}.${JSON.stringify(claims())}`),
      ),
      "is over the input with a period at the end": withSignature(
        valid,
        own.sign(`${head}.${payload}.`),
      ),
      "lacks its last byte": withSignature(valid, signature.subarray(0, -1)),
      "lacks its first byte": withSignature(valid, signature.subarray(1)),
      "is its first half": withSignature(valid, signature.subarray(0, size / 2)),
      "has a zero byte after it": withSignature(valid, Buffer.concat([signature, Buffer.alloc(1)])),
      "has a zero byte before it": withSignature(
        valid,
        Buffer.concat([Buffer.alloc(1), signature]),
      ),
      "is there twice": withSignature(valid, Buffer.concat([signature, signature])),
      "is all zeros": withSignature(valid, Buffer.alloc(size)),
      "is all ones": withSignature(valid, Buffer.alloc(size, 0xff)),
      "is one zero byte": withSignature(valid, Buffer.alloc(1)),
      "has its first bit flipped": withSignature(valid, flipped(0, 0x80)),
      "has a bit in the middle flipped": withSignature(valid, flipped(size / 2)),
      "has its last bit flipped": withSignature(valid, flipped(size - 1)),
      "is reversed": withSignature(valid, Buffer.from(signature).reverse()),
      "is encoded twice": withSignature(valid, segment),
      "is hexadecimal text": withSignature(valid, signature.toString("hex")),
      "is hexadecimal, and not encoded": `${head}.${payload}.${signature.toString("hex")}`,
    }))
      cases.add("reject", name, `the signature ${title}`, text, VERIFY, WRONG);
    cases.add(
      "reject",
      name,
      "the payload is changed",
      `${head}.${b64(claims({ sub: "admin" }))}.${segment}`,
      VERIFY,
      WRONG,
    );
  }
  hmac(cases, /** @type {Signer} */ (keys.HS256));
  rsa(cases, /** @type {Signer} */ (keys.RS256));
  ecdsa(cases, /** @type {Signer} */ (keys.ES256));
  eddsa(cases, /** @type {Signer} */ (keys.EdDSA));
  smallOrder(cases);
  return cases.all;
}

/**
 * @param {Cases} cases
 * @param {Signer} key
 */
function hmac(cases, key) {
  const secret = key.secret ?? "";
  const valid = token(key);
  const input = valid.slice(0, valid.lastIndexOf("."));
  const tag = key.sign(input);
  for (const [title, signature] of Object.entries({
    "the first 16 bytes of the tag": tag.subarray(0, 16),
    "the first byte of the tag": tag.subarray(0, 1),
    "the tag and 32 zero bytes": Buffer.concat([tag, Buffer.alloc(32)]),
    "HMAC with SHA-1": createHmac("sha1", secret).update(input).digest(),
    "HMAC with MD5": createHmac("md5", secret).update(input).digest(),
    "the hash of secret and input": createHash("sha256")
      .update(secret + input)
      .digest(),
    "the hash of the input": createHash("sha256").update(input).digest(),
    "HMAC with the first 32 bytes of SHA-512": createHmac("sha512", secret)
      .update(input)
      .digest()
      .subarray(0, 32),
  }))
    cases.add(
      "reject",
      "HS256",
      title,
      withSignature(valid, signature),
      "RFC 7518 section 3.2",
      "The whole tag of HMAC with SHA-256 must be equal.",
    );
}

/**
 * @param {Cases} cases
 * @param {Signer} key
 */
function rsa(cases, key) {
  const valid = token(key);
  const input = valid.slice(0, valid.lastIndexOf("."));
  const modulus = fromBigEndian(Buffer.from(key.jwk.n ?? "", "base64url"));
  const privateKey = /** @type {KeyObject} */ (key.privateKey);
  const raw = (/** @type {Buffer} */ block) =>
    privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
  const digest = createHash("sha256").update(input).digest();
  const info = (/** @type {string} */ prefix, /** @type {Buffer} */ hash) =>
    Buffer.concat([Buffer.from(prefix, "hex"), hash]);
  const sha256 = info("3031300d060960864801650304020105000420", digest);
  /**
   * A block of 256 bytes: two bytes, filling, a separator, and the end.
   *
   * @param {Buffer} end
   * @param {{start?: number[], filling?: number, separator?: number, after?: Buffer, length?: number}} [options]
   */
  const block = (
    end,
    { start = [0, 1], filling = 0xff, separator = 0, after = Buffer.alloc(0), length } = {},
  ) => {
    const room = 256 - start.length - 1 - end.length - after.length;
    const rest = length === undefined ? after : Buffer.alloc(after.length + room - length);
    return Buffer.concat([
      Buffer.from(start),
      Buffer.alloc(length ?? room, filling),
      Buffer.from([separator]),
      end,
      rest,
    ]);
  };
  const alternating = block(sha256);
  alternating[100] = 0xfe;
  const padding = "RFC 8017 section 8.2.2";
  const why = "The whole encoded message must be the one valid encoding of the hash.";
  for (const [title, encoded] of Object.entries({
    "with rubbish after the hash (Bleichenbacher's forgery)": block(sha256, { length: 8 }),
    "with the hash in the middle": block(sha256, { length: 100 }),
    "with no byte of filling": block(sha256, { length: 0 }),
    "with filling of zeros": block(sha256, { filling: 0 }),
    "with one byte of the filling changed": alternating,
    "of block type 2": block(sha256, { start: [0, 2] }),
    "of block type 0": block(sha256, { start: [0, 0], filling: 0 }),
    "without the separator": block(sha256, { separator: 0xff }),
    "with the hash without its algorithm": block(digest),
    "without NULL in the algorithm": block(info("302f300b0609608648016503040201" + "0420", digest)),
    "with a length in BER long form": block(
      info("308131300d060960864801650304020105000420", digest),
    ),
    "with rubbish in the parameters of the algorithm": block(
      info("3039301506096086480165030402010508" + "4141414141414141" + "0420", digest),
    ),
    "with the algorithm SHA-1 and a SHA-256 hash": block(
      info("302d300906052b0e03021a05000420", digest),
    ),
    "with a SHA-1 hash": block(
      info("3021300906052b0e03021a05000414", createHash("sha1").update(input).digest()),
    ),
    "with a SHA-512 hash": block(
      info("3051300d060960864801650304020305000440", createHash("sha512").update(input).digest()),
    ),
    "with an MD5 hash": block(
      info("3020300c06082a864886f70d020505000410", createHash("md5").update(input).digest()),
    ),
    "with the hash of an empty text": block(
      info("3031300d060960864801650304020105000420", createHash("sha256").update("").digest()),
    ),
  }))
    cases.add(
      "reject",
      "RS256",
      `padding ${title}`,
      withSignature(valid, raw(encoded)),
      padding,
      why,
    );

  const length = "The signature has exactly as many bytes as the modulus, and is less than it.";
  const short = until(
    (attempt) => token(key, { payload: claims({ jti: `${attempt}` }) }),
    (text) => Buffer.from(segments(text)[2], "base64url")[0] === 0,
  );
  const shortSignature = Buffer.from(segments(short)[2], "base64url");
  cases.add(
    "accept",
    "RS256",
    "a valid signature that begins with a zero byte",
    short,
    padding,
    "It has as many bytes as the modulus.",
  );
  cases.add(
    "reject",
    "RS256",
    "a signature without its leading zero byte",
    withSignature(short, shortSignature.subarray(1)),
    padding,
    length,
  );
  const small = until(
    (attempt) => token(key, { payload: claims({ jti: `${attempt}` }) }),
    (text) => fromBigEndian(Buffer.from(segments(text)[2], "base64url")) + modulus < 2n ** 2048n,
  );
  const sum = fromBigEndian(Buffer.from(segments(small)[2], "base64url")) + modulus;
  cases.add(
    "reject",
    "RS256",
    "the signature plus the modulus",
    withSignature(small, bigEndian(sum, 256)),
    padding,
    length,
  );
  cases.add(
    "reject",
    "RS256",
    "the signature plus the modulus, in 257 bytes",
    withSignature(small, bigEndian(sum, 257)),
    padding,
    length,
  );
  const negated = modulus - fromBigEndian(key.sign(input));
  for (const [title, number] of Object.entries({
    "the number 1": 1n,
    "the modulus": modulus,
    "the modulus minus 1": modulus - 1n,
    "the signature, negated": negated,
  }))
    cases.add(
      "reject",
      "RS256",
      `the signature is ${title}`,
      withSignature(valid, bigEndian(number, 256)),
      padding,
      length,
    );
}

/**
 * @param {Cases} cases
 * @param {Signer} key
 */
function ecdsa(cases, key) {
  const SHAPE = "RFC 7518 section 3.4";
  const shape = "The signature is the 64 bytes of R and S.";
  const range = "R and S are between 1 and the order minus 1 (FIPS 186-5 section 6.4.2).";
  const valid = token(key);
  const input = valid.slice(0, valid.lastIndexOf("."));
  const signature = Buffer.from(segments(valid)[2], "base64url");
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const privateKey = /** @type {KeyObject} */ (key.privateKey);
  const zero = Buffer.alloc(1);
  const pair = (/** @type {bigint} */ first, /** @type {bigint} */ second) =>
    Buffer.concat([bigEndian(first, 32), bigEndian(second, 32)]);
  const n = P256_ORDER;
  for (const [title, other] of Object.entries({
    "is in DER": sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "der" }),
    "is DER of R = 0 and S = 0": Buffer.from("3006020100020100", "hex"),
    "has a zero byte before R and before S": Buffer.concat([zero, r, zero, s]),
    "is R alone": r,
    "is R, S and 32 zero bytes": Buffer.concat([r, s, Buffer.alloc(32)]),
    "is a point and then R and S": Buffer.concat([Buffer.from([4]), r, s]),
  }))
    cases.add(
      "reject",
      "ES256",
      `the signature ${title}`,
      withSignature(valid, other),
      SHAPE,
      shape,
    );
  for (const [title, other] of Object.entries({
    "R = 0, S = 1": pair(0n, 1n),
    "R = 1, S = 0": pair(1n, 0n),
    "R = 1, S = 1": pair(1n, 1n),
    "R = n, S = n": pair(n, n),
    "R = n, S = 1": pair(n, 1n),
    "R = n - 1, S = n - 1": pair(n - 1n, n - 1n),
    "R = 0, S as it was": Buffer.concat([Buffer.alloc(32), s]),
    "R as it was, S = 0": Buffer.concat([r, Buffer.alloc(32)]),
    "R as it was, S = n": Buffer.concat([r, bigEndian(n, 32)]),
    "R and S exchanged": Buffer.concat([s, r]),
    "R negated": Buffer.concat([bigEndian(n - fromBigEndian(r), 32), s]),
    "R and S in little-endian": Buffer.concat([Buffer.from(r).reverse(), Buffer.from(s).reverse()]),
  }))
    cases.add("reject", "ES256", title, withSignature(valid, other), SHAPE, range);
  const [low, high] = [n - fromBigEndian(s), fromBigEndian(s)].sort((a, b) => (a < b ? -1 : 1));
  const both = "S and n - S are both valid: JWS does not require the smaller.";
  cases.add(
    "accept",
    "ES256",
    "the smaller S",
    withSignature(valid, Buffer.concat([r, bigEndian(low ?? 0n, 32)])),
    SHAPE,
    both,
  );
  cases.add(
    "accept",
    "ES256",
    "the greater S",
    withSignature(valid, Buffer.concat([r, bigEndian(high ?? 0n, 32)])),
    SHAPE,
    both,
  );
}

/**
 * @param {Cases} cases
 * @param {Signer} key
 */
function eddsa(cases, key) {
  const section = "RFC 8032 section 5.1.7";
  const range = "S is less than the order of the group.";
  const wrong = "The signature must verify.";
  const valid = token(key);
  const signature = Buffer.from(segments(valid)[2], "base64url");
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const scalar = fromLittleEndian(s);
  const identity = littleEndian(1n, 32);
  const withS = (/** @type {bigint} */ number) => Buffer.concat([r, littleEndian(number, 32)]);
  for (const [title, other] of Object.entries({
    "S plus the order": withS(scalar + ED25519_ORDER),
    "S plus twice the order": withS(scalar + 2n * ED25519_ORDER),
    "S plus eight times the order": withS(scalar + 8n * ED25519_ORDER),
    "S is the order": withS(ED25519_ORDER),
    "S with its highest bit set": withS(scalar | (1n << 255n)),
  }))
    cases.add("reject", "EdDSA", title, withSignature(valid, other), section, range);
  for (const [title, other] of Object.entries({
    "S = 0": withS(0n),
    "R is the identity and S = 0": Buffer.concat([identity, Buffer.alloc(32)]),
    "R is the identity": Buffer.concat([identity, s]),
    "R with its sign flipped": Buffer.concat([
      r.subarray(0, 31),
      Buffer.from([(r[31] ?? 0) ^ 0x80]),
      s,
    ]),
    "R is no point": Buffer.concat([littleEndian(2n, 32), s]),
    "R and S exchanged": Buffer.concat([s, r]),
    "S negated": withS(ED25519_ORDER - scalar),
    "R and S in big-endian": Buffer.concat([Buffer.from(r).reverse(), Buffer.from(s).reverse()]),
  }))
    cases.add("reject", "EdDSA", title, withSignature(valid, other), section, wrong);
}

/**
 * A configured key of order 2, under which anyone can sign: with R the identity and S = 0, the
 * equation holds if the hash is even.
 *
 * @param {Cases} cases
 */
function smallOrder(cases) {
  const { key } = smallOrderKey();
  const identity = littleEndian(1n, 32);
  const point = Buffer.from(key.jwk.x ?? "", "base64url");
  const text = until(
    (attempt) => `${b64({ alg: "EdDSA", typ: "JWT" })}.${b64(claims({ jti: `${attempt}` }))}`,
    (input) => {
      const hash = createHash("sha512")
        .update(Buffer.concat([identity, point, Buffer.from(input)]))
        .digest();
      return (fromLittleEndian(hash) % ED25519_ORDER) % 2n === 0n;
    },
  );
  cases.add(
    "either",
    SMALL_ORDER,
    "a signature that needs no private key, under a configured key of order 2",
    `${text}.${b64(Buffer.concat([identity, Buffer.alloc(32)]))}`,
    "RFC 8032 section 5.1.7",
    "RFC 8032 does not exclude such keys. RFC 8725 section 3.4 asks applications to validate inputs.",
  );
}

/** @returns {{name: string, key: PublicKey}} */
export function smallOrderKey() {
  // y = -1: the point of order 2.
  const x = littleEndian(2n ** 255n - 20n, 32);
  const prefix = Buffer.from("302a300506032b6570032100", "hex");
  const der = Buffer.concat([prefix, x]).toString("base64");
  return {
    name: SMALL_ORDER,
    key: {
      algorithm: "EdDSA",
      jwk: { kty: "OKP", crv: "Ed25519", x: x.toString("base64url"), alg: "EdDSA", use: "sig" },
      pem: `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`,
    },
  };
}
