// Times a single signature check by each implementation, side by side in one process, and writes
// the results as a table in Markdown. The arguments are the module that wasm-bindgen made of
// lib.rs, and the file to write.

import {
  constants,
  createHmac,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  webcrypto,
} from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import process from "node:process";

/** @import { JsonWebKey, KeyObject } from "node:crypto" */

/** @typedef {{message: Buffer, signature: Buffer}} Sample */
/**
 * Returns whether the signature of a sample verifies, or `undefined` if the implementation lacks
 * the algorithm.
 *
 * @typedef {(sample: Sample) => boolean | undefined | Promise<boolean>} Check
 */
/** @typedef {Partial<Record<string, Check>> & {gate: Check}} Checks */
/**
 * @typedef {webcrypto.Algorithm & {hash?: string, namedCurve?: string, saltLength?: number}}
 *   WebParams
 */

/**
 * A key and the implementations outside of WebAssembly that can verify its signatures.
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {string} algorithm
 * @property {JsonWebKey} jwk The public key.
 * @property {(message: Buffer) => Buffer} sign
 * @property {Check} [node] `crypto.verify`.
 * @property {WebParams} [web] The parameters for `crypto.subtle.verify`.
 */

/**
 * What lib.rs exports.
 *
 * @typedef {object} Exports
 * @property {new (algorithm: string, jwk: string) => {by_gate: Verify, by_kernel: Verify, by_crate:
 *   Verify}} Verifier
 * @property {new (algorithm: string, seed: Uint8Array) => {public(): Uint8Array, sign(message:
 *   Uint8Array): Uint8Array}} Lattice
 */
/** @typedef {(message: Uint8Array, signature: Uint8Array) => boolean | undefined} Verify */

const [, , compiled, file] = process.argv;
if (compiled === undefined || file === undefined) throw new Error("usage: bench.mjs MODULE FILE");
/** @type {Exports} */
const { Lattice, Verifier } = createRequire(import.meta.url)(compiled);

const MESSAGES = 16;
const MESSAGE_BYTES = 700;
/** The rounds in which V8 still compiles. They are not counted. */
const WARM_UP_ROUNDS = 10;
const ROUNDS = 41;
/**
 * How long each implementation runs in a round. Short rounds spread the machine's other load
 * evenly.
 */
const ROUND_MILLISECONDS = 25;

/**
 * @param {number} bits
 * @returns {Subject}
 */
function hmac(bits) {
  const secret = randomBytes(64);
  const tag = (/** @type {Buffer} */ message) =>
    createHmac(`sha${bits}`, secret).update(message).digest();
  return {
    name: `HS${bits}`,
    algorithm: `HS${bits}`,
    jwk: { kty: "oct", k: secret.toString("base64url") },
    sign: tag,
    node: ({ message, signature }) => timingSafeEqual(tag(message), signature),
    web: { name: "HMAC", hash: `SHA-${bits}` },
  };
}

/**
 * A subject with a key pair that Node supports. `hash` is `null` if the algorithm has its own.
 *
 * @param {{name: string, algorithm: string, keys: {publicKey: KeyObject, privateKey: KeyObject},
 *   hash: string | null, options?: {padding?: number, saltLength?: number, dsaEncoding?:
 *   "ieee-p1363"}, web?: WebParams}} subject
 * @returns {Subject}
 */
function pair({ name, algorithm, keys: { publicKey, privateKey }, hash, options = {}, web }) {
  return {
    name,
    algorithm,
    jwk: publicKey.export({ format: "jwk" }),
    sign: (message) => sign(hash, message, { key: privateKey, ...options }),
    node: ({ message, signature }) =>
      verify(hash, message, { key: publicKey, ...options }, signature),
    web,
  };
}

/**
 * @param {string} family
 * @param {number} bits
 * @param {number} modulusLength
 */
function rsa(family, bits, modulusLength) {
  const isPss = family === "PS";
  return pair({
    name: `${family}${bits}, ${modulusLength} bits`,
    algorithm: `${family}${bits}`,
    keys: generateKeyPairSync("rsa", { modulusLength }),
    hash: `sha${bits}`,
    options: isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 } : {},
    web: isPss
      ? { name: "RSA-PSS", hash: `SHA-${bits}`, saltLength: bits / 8 }
      : { name: "RSASSA-PKCS1-v1_5", hash: `SHA-${bits}` },
  });
}

/**
 * @param {string} algorithm
 * @param {string} namedCurve
 * @param {number} bits
 * @param {string} [webCurve] the name of the curve if WebCrypto supports it
 */
function ecdsa(algorithm, namedCurve, bits, webCurve) {
  return pair({
    name: algorithm,
    algorithm,
    keys: generateKeyPairSync("ec", { namedCurve }),
    hash: `sha${bits}`,
    options: { dsaEncoding: "ieee-p1363" },
    web: webCurve ? { name: "ECDSA", namedCurve: webCurve, hash: `SHA-${bits}` } : undefined,
  });
}

/**
 * ML-DSA, which this version of Node does not support.
 *
 * @param {string} algorithm
 * @returns {Subject}
 */
function lattice(algorithm) {
  const key = new Lattice(algorithm, randomBytes(32));
  return {
    name: algorithm,
    algorithm,
    jwk: { kty: "AKP", alg: algorithm, pub: Buffer.from(key.public()).toString("base64url") },
    sign: (message) => Buffer.from(key.sign(message)),
  };
}

/** @type {(() => Subject)[]} */
const SUBJECTS = [
  ...[256, 384, 512].map((bits) => () => hmac(bits)),
  ...["RS", "PS"].flatMap((family) =>
    [256, 384, 512].flatMap((bits) =>
      [2048, 3072, 4096].map((size) => () => rsa(family, bits, size)),
    ),
  ),
  () => ecdsa("ES256", "P-256", 256, "P-256"),
  () => ecdsa("ES384", "P-384", 384, "P-384"),
  () => ecdsa("ES512", "P-521", 512, "P-521"),
  () => ecdsa("ES256K", "secp256k1", 256),
  () =>
    pair({
      name: "EdDSA",
      algorithm: "EdDSA",
      keys: generateKeyPairSync("ed25519"),
      hash: null,
      web: { name: "Ed25519" },
    }),
  ...["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"].map((algorithm) => () => lattice(algorithm)),
];

/**
 * Returns a check for each implementation of a subject's algorithm.
 *
 * @param {Subject} subject
 * @param {Sample} sample
 * @returns {Promise<Checks>}
 */
async function implementations({ algorithm, jwk, node, web }, { message, signature }) {
  const verifier = new Verifier(algorithm, JSON.stringify(jwk));
  /** @type {Checks} */
  const all = { gate: (sample) => verifier.by_gate(sample.message, sample.signature) };
  if (verifier.by_crate(message, signature) !== undefined) {
    all.crate = (sample) => verifier.by_crate(sample.message, sample.signature);
    if (verifier.by_kernel(message, signature) !== true) {
      throw new Error("the kernel rejects a valid signature");
    }
  }
  if (node) {
    all.node = node;
  }
  if (web) {
    const key = await webcrypto.subtle.importKey("jwk", jwk, web, false, ["verify"]);
    all.webcrypto = (sample) => webcrypto.subtle.verify(web, key, sample.signature, sample.message);
  }
  return all;
}

/**
 * Asserts that every implementation accepts a valid signature and rejects a changed one.
 *
 * @param {Checks} checks
 * @param {Sample} sample
 */
async function assertAgreement(checks, sample) {
  const broken = { ...sample, signature: Buffer.from(sample.signature) };
  broken.signature.writeUInt8(broken.signature.readUInt8(10) ^ 1, 10);
  for (const [name, check] of Object.entries(checks)) {
    if (check === undefined) continue;
    if ((await check(sample)) !== true || (await check(broken)) !== false) {
      throw new Error(`${name} is wrong about a signature`);
    }
  }
}

/**
 * Returns the microseconds per check over one round.
 *
 * @param {Check} check
 * @param {Sample[]} all
 */
async function time(check, all) {
  const started = performance.now();
  let count = 0;
  let elapsed;
  do {
    for (const sample of all) {
      const verdict = check(sample);
      if ((verdict instanceof Promise ? await verdict : verdict) !== true) {
        throw new Error("a valid signature was rejected");
      }
    }
    count += all.length;
    elapsed = performance.now() - started;
  } while (elapsed < ROUND_MILLISECONDS);
  return (elapsed * 1000) / count;
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Returns the row of the table for a subject.
 *
 * @param {Subject} subject
 */
async function measure(subject) {
  const all = Array.from({ length: MESSAGES }, () => {
    const message = randomBytes(MESSAGE_BYTES);
    return { message, signature: subject.sign(message) };
  });
  const checks = await implementations(subject, /** @type {Sample} */ (all[0]));
  for (const sample of all) {
    await assertAgreement(checks, sample);
  }
  /**
   * The microseconds of each implementation in each round.
   *
   * @type {Record<string, number>[]}
   */
  const rounds = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    /** @type {Record<string, number>} */
    const times = {};
    for (const [name, check] of Object.entries(checks)) {
      if (check !== undefined) times[name] = await time(check, all);
    }
    if (round >= 0) {
      rounds.push(times);
    }
  }
  const timesOf = (/** @type {string} */ name) => rounds.map((times) => times[name] ?? Number.NaN);
  const cells = IMPLEMENTATIONS.map((name) =>
    checks[name] ? median(timesOf(name)).toFixed(1) : "–",
  );
  const ratios = ["crate", "node"].map((other) => {
    if (!checks[other]) return "–";
    const others = timesOf(other);
    return median(timesOf("gate").map((own, round) => own / (others[round] ?? Number.NaN))).toFixed(
      2,
    );
  });
  return `| ${[subject.name, ...cells, ...ratios].join(" | ")} |`;
}

const IMPLEMENTATIONS = ["gate", "crate", "node", "webcrypto"];

/** @type {string[]} */
const report = [];
/** @param {string} line */
function say(line) {
  console.log(line);
  report.push(line);
}

say("# Signature checks side by side");
say("");
say(
  `Measured by \`cargo xtask bench signatures\` on ${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} × ${os.cpus()[0]?.model}, ${os.type()} ${os.arch()};`,
);
say(`V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}.`);
say("Ratios are comparable between machines, absolute times are not.");
say("");
say(
  `Microseconds per check of a message of ${MESSAGE_BYTES} bytes: the median of ${ROUNDS} rounds, in each of which all implementations take turns.`,
);
say(
  "*Gate* is the code that the Worker runs, in WebAssembly. *Crate* is RustCrypto's implementation in WebAssembly, for algorithms where the gate has its own kernel. Both run with explicit bounds checks on each memory access, as in the Workers runtime; without these checks, the kernels take 6 to 9 % less time.",
);
say(
  "`crypto.verify` is OpenSSL as native code; `crypto.subtle.verify` is the same code behind a promise.",
);
say("");
say("| | gate | crate | `crypto.verify` | `crypto.subtle.verify` | gate / crate | gate / native |");
say("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const make of SUBJECTS) {
  say(await measure(make()));
}
await writeFile(file, `${report.join("\n")}\n`);
