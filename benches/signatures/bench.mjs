// Times one signature check by each implementation, side by side in one process, and prints a table in
// Markdown, which it writes as well. Its arguments: the module that wasm-bindgen made of lib.rs, and the file to write.

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

const { Lattice, Verifier } = createRequire(import.meta.url)(process.argv[2]);

const MESSAGES = 16;
const MESSAGE_BYTES = 700;
/** While V8 is still compiling. */
const WARM_UP_ROUNDS = 10;
const ROUNDS = 41;
/** How long each implementation runs in a round: short, so that what else the machine does meets all alike. */
const ROUND_MILLISECONDS = 25;

const WEB_HASH = { 256: "SHA-256", 384: "SHA-384", 512: "SHA-512" };

function hmac(bits) {
  const secret = randomBytes(64);
  const tag = (message) => createHmac(`sha${bits}`, secret).update(message).digest();
  return {
    name: `HS${bits}`,
    algorithm: `HS${bits}`,
    jwk: { kty: "oct", k: secret.toString("base64url") },
    sign: tag,
    node: ({ message, signature }) => timingSafeEqual(tag(message), signature),
    web: { name: "HMAC", hash: WEB_HASH[bits] },
  };
}

/** What a pair of Node's own keys gives; `hash` is nothing where the algorithm has its own. */
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

function rsa(family, bits, modulusLength) {
  const isPss = family === "PS";
  return pair({
    name: `${family}${bits}, ${modulusLength} bits`,
    algorithm: `${family}${bits}`,
    keys: generateKeyPairSync("rsa", { modulusLength }),
    hash: `sha${bits}`,
    options: isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 } : {},
    web: isPss
      ? { name: "RSA-PSS", hash: WEB_HASH[bits], saltLength: bits / 8 }
      : { name: "RSASSA-PKCS1-v1_5", hash: WEB_HASH[bits] },
  });
}

function ecdsa(algorithm, namedCurve, bits, webCurve) {
  return pair({
    name: algorithm,
    algorithm,
    keys: generateKeyPairSync("ec", { namedCurve }),
    hash: `sha${bits}`,
    options: { dsaEncoding: "ieee-p1363" },
    web: webCurve && { name: "ECDSA", namedCurve: webCurve, hash: WEB_HASH[bits] },
  });
}

/** Neither of Node's interfaces has it. */
function lattice(algorithm) {
  const key = new Lattice(algorithm, randomBytes(32));
  return {
    name: algorithm,
    algorithm,
    jwk: { kty: "AKP", alg: algorithm, pub: Buffer.from(key.public()).toString("base64url") },
    sign: (message) => Buffer.from(key.sign(message)),
  };
}

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

/** The implementations of one subject, each a function from a sample to whether it is good. */
async function implementations({ algorithm, jwk, node, web }, { message, signature }) {
  const verifier = new Verifier(algorithm, JSON.stringify(jwk));
  const all = { gate: (sample) => verifier.by_gate(sample.message, sample.signature) };
  if (verifier.by_crate(message, signature) !== undefined) {
    all.crate = (sample) => verifier.by_crate(sample.message, sample.signature);
    if (verifier.by_kernel(message, signature) !== true) {
      throw new Error("the kernel is wrong about a signature");
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

/** Every implementation passes what is good, and nothing that is broken. */
async function agree(checks, sample) {
  const broken = { ...sample, signature: Buffer.from(sample.signature) };
  broken.signature[10] ^= 1;
  for (const [name, check] of Object.entries(checks)) {
    if ((await check(sample)) !== true || (await check(broken)) !== false) {
      throw new Error(`${name} is wrong about a signature`);
    }
  }
}

/** Microseconds a check, over one round. */
async function time(check, all) {
  const started = performance.now();
  let count = 0;
  let elapsed;
  do {
    for (const sample of all) {
      const verdict = check(sample);
      if ((verdict instanceof Promise ? await verdict : verdict) !== true) {
        throw new Error("a good signature was refused");
      }
    }
    count += all.length;
    elapsed = performance.now() - started;
  } while (elapsed < ROUND_MILLISECONDS);
  return (elapsed * 1000) / count;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function measure(make) {
  const subject = make();
  const all = Array.from({ length: MESSAGES }, () => {
    const message = randomBytes(MESSAGE_BYTES);
    return { message, signature: subject.sign(message) };
  });
  const checks = await implementations(subject, all[0]);
  for (const sample of all) {
    await agree(checks, sample);
  }
  const rounds = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const times = {};
    for (const [name, check] of Object.entries(checks)) {
      times[name] = await time(check, all);
    }
    if (round >= 0) {
      rounds.push(times);
    }
  }
  const cells = IMPLEMENTATIONS.map((name) =>
    checks[name] ? median(rounds.map((times) => times[name])).toFixed(1) : "–",
  );
  const ratios = ["crate", "node"].map((other) =>
    checks[other] ? median(rounds.map((times) => times.gate / times[other])).toFixed(2) : "–",
  );
  return `| ${[subject.name, ...cells, ...ratios].join(" | ")} |`;
}

const IMPLEMENTATIONS = ["gate", "crate", "node", "webcrypto"];

const report = [];
function say(line) {
  console.log(line);
  report.push(line);
}

say("# Signature checks side by side");
say("");
say(
  `Made by \`cargo xtask bench signatures\` on ${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} × ${os.cpus()[0].model}, ${os.type()} ${os.arch()};`,
);
say(`V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}.`);
say("Ratios hold from machine to machine, times do not.");
say("");
say(
  `Microseconds a check of a message of ${MESSAGE_BYTES} bytes, median of ${ROUNDS} rounds in each of which all take their turn.`,
);
say(
  "*Gate*: what the Worker runs, in WebAssembly. *Crate*: RustCrypto's implementation, in WebAssembly, where the gate has a kernel of its own. Both check each access to memory in their code, as in the Workers runtime; without, the kernels take 6 to 9 % less.",
);
say("`crypto.verify` is OpenSSL, natively; `crypto.subtle.verify` the same behind a promise.");
say("");
say("| | gate | crate | `crypto.verify` | `crypto.subtle.verify` | gate / crate | gate / native |");
say("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const subject of SUBJECTS) {
  say(await measure(subject));
}
await writeFile(process.argv[3], `${report.join("\n")}\n`);
