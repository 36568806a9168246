// Times one signature check by each implementation, side by side in one process, and prints a table in
// Markdown. Its argument is the module that wasm-bindgen made of lib.rs.

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify, webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import process from "node:process";

const { Verifier } = createRequire(import.meta.url)(process.argv[2]);

const MESSAGES = 16;
const MESSAGE_BYTES = 700;
/** While V8 is still compiling. */
const WARM_UP_ROUNDS = 10;
const ROUNDS = 41;
/** How long each implementation runs in a round: short, so that what else the machine does meets all alike. */
const ROUND_MILLISECONDS = 25;

const SUBJECTS = [
  {
    name: "RS256, 2048 bits",
    algorithm: "RS256",
    pair: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    web: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    options: {},
  },
  {
    name: "RS256, 3072 bits",
    algorithm: "RS256",
    pair: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
    web: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    options: {},
  },
  {
    name: "RS256, 4096 bits",
    algorithm: "RS256",
    pair: () => generateKeyPairSync("rsa", { modulusLength: 4096 }),
    web: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    options: {},
  },
  {
    name: "ES256",
    algorithm: "ES256",
    pair: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    web: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    options: { dsaEncoding: "ieee-p1363" },
  },
];

/** The implementations of one subject, each a function from a sample to whether it is good. */
async function implementations({ algorithm, web, options }, { publicKey }) {
  const pem = publicKey.export({ type: "spki", format: "pem" });
  const verifier = new Verifier(algorithm, pem);
  const webKey = await webcrypto.subtle.importKey("spki", publicKey.export({ type: "spki", format: "der" }), web, false, ["verify"]);
  const nodeKey = { key: createPublicKey(pem), ...options };
  return {
    kernel: ({ message, signature }) => verifier.by_kernel(message, signature),
    crate: ({ message, signature }) => verifier.by_crate(message, signature),
    node: ({ message, signature }) => verify("sha256", message, nodeKey, signature),
    webcrypto: ({ message, signature }) => webcrypto.subtle.verify(web, webKey, signature, message),
  };
}

function samples({ options }, { privateKey }) {
  const key = { key: createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })), ...options };
  return Array.from({ length: MESSAGES }, () => {
    const message = randomBytes(MESSAGE_BYTES);
    return { message, signature: sign("sha256", message, key) };
  });
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

async function measure(subject) {
  const pair = subject.pair();
  const all = samples(subject, pair);
  const checks = await implementations(subject, pair);
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
  return {
    times: Object.keys(checks).map((name) => median(rounds.map((times) => times[name]))),
    ratios: ["crate", "node"].map((other) => median(rounds.map((times) => times.kernel / times[other]))),
  };
}

console.log(`Microseconds a check of a message of ${MESSAGE_BYTES} bytes, median of ${ROUNDS} rounds; V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}.\n`);
console.log("| | kernel in wasm | crate in wasm | `crypto.verify` | `crypto.subtle.verify` | kernel / crate | kernel / native |");
console.log("|---|---|---|---|---|---|---|");
for (const subject of SUBJECTS) {
  const { times, ratios } = await measure(subject);
  const cells = [...times.map((time) => time.toFixed(1)), ...ratios.map((ratio) => ratio.toFixed(2))];
  console.log(`| ${[subject.name, ...cells].join(" | ")} |`);
}
