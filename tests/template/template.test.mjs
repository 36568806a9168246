// Copies templates/worker to an empty folder and builds it there as its README says, as in a user's
// own repository.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { experimental_readRawConfig } from "wrangler";
import { assertRefused, INVALID, repository, startGate, tokens } from "../e2e/harness/index.mjs";

/** @import { Running } from "../e2e/harness/running.mjs" */
/** @import { SigningKey } from "../e2e/harness/tokens.mjs" */

const TEMPLATE = path.join(repository, "templates/worker");
const FOLDER = path.join(repository, "target/template");
const COPY = path.join(FOLDER, "gate");

const isWindows = process.platform === "win32";
/** @param {string} name */
const tool = (name) =>
  path.join(repository, "target/tools/bin", `${name}${isWindows ? ".exe" : ""}`);
/** @param {string} name */
const npm = (name) =>
  path.join(repository, "node_modules/.bin", `${name}${isWindows ? ".cmd" : ""}`);

/**
 * Runs a program in the copy, with the tools that `cargo xtask` has installed on the PATH.
 *
 * @param {string} program
 * @param {string[]} words
 */
async function run(program, words) {
  const environment = { ...process.env };
  // Cargo sets these variables for the programs that it runs. They refer to this repository, not to
  // the copy.
  for (const name of Object.keys(environment)) {
    if (/^(RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_MANIFEST|CARGO_PKG|RUSTUP_TOOLCHAIN)/.test(name))
      delete environment[name];
  }
  const child = spawn(program, words, {
    cwd: COPY,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...environment,
      PATH: [path.dirname(tool("x")), path.dirname(npm("x")), process.env.PATH].join(
        path.delimiter,
      ),
      // All runs share one folder, so that the second run takes only seconds.
      CARGO_TARGET_DIR: path.join(FOLDER, "target"),
      // worker-build would download these tools.
      WASM_BINDGEN_BIN: tool("wasm-bindgen"),
      ESBUILD_BIN: npm("esbuild"),
      WRANGLER_SEND_METRICS: "false",
    },
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, `${path.basename(program)} ${words.join(" ")}`);
}

describe("templates/worker", { timeout: 900_000 }, () => {
  const keys = tokens.rsaKeys();
  /** @type {Running} */
  let gate;
  before(async () => {
    await rm(COPY, { recursive: true, force: true });
    await mkdir(FOLDER, { recursive: true });
    await cp(TEMPLATE, COPY, { recursive: true });
    const manifest = path.join(COPY, "Cargo.toml");
    const text = await readFile(manifest, "utf8");
    assert.ok(text.includes('path = "../portcullis"'));
    await writeFile(
      manifest,
      text.replace('path = "../portcullis"', `path = ${JSON.stringify(repository)}`),
    );
    // The copy uses the versions that this repository is tested with. Cargo adds and removes the
    // packages that differ.
    await cp(path.join(repository, "Cargo.lock"), path.join(COPY, "Cargo.lock"));
    await run(process.execPath, [
      path.join(repository, "node_modules/wrangler/bin/wrangler.js"),
      ..."deploy --dry-run --outdir upload".split(" "),
    ]);
    gate = await startGate({
      modules: [
        { name: "index.js", type: "esm", path: path.join(COPY, "build/index.js") },
        { name: "index_bg.wasm", type: "wasm", path: path.join(COPY, "build/index_bg.wasm") },
      ],
      runtime: "workerd",
      policy: rawConfig(COPY).vars?.POLICY,
      secrets: { PROVIDER_PUBLIC_KEY: keys.spki },
    });
  });
  after(() => gate?.stop());

  /** @param {SigningKey} key */
  const token = (key) =>
    tokens.token({
      alg: "RS256",
      key,
      payload: {
        iss: "https://tenant.example.com/",
        aud: "https://api.example.com",
        sub: "user-1",
        exp: tokens.now() + 600,
      },
    });

  it("forwards a valid token's subject", async () => {
    const response = await gate.fetchWith(token(keys.privateKey), "/api/hello");
    const { headers } = await response.json();
    assert.deepEqual([response.status, headers["x-auth-subject"]], [200, "user-1"]);
  });

  it("refuses a request without a token, a forged token, and a path without a route", async () => {
    await assertRefused(await gate.fetch("/api/hello"), 401, {});
    await assertRefused(
      await gate.fetchWith(token(tokens.rsaKeys().privateKey), "/api/hello"),
      401,
      INVALID,
    );
    assert.equal((await gate.fetch("/elsewhere")).status, 404);
  });

  it("is built with the same settings as Portcullis", async () => {
    const read = (/** @type {string} */ folder, /** @type {string} */ file) =>
      readFile(path.join(folder, file), "utf8");
    const profile = (/** @type {string} */ manifest) =>
      matched(manifest, /^\[profile\.release[^]*?(?=^\[profile\.dev|(?![^]))/m)
        .split("\n")
        .filter((line) => /^[^#\s]/.test(line));
    const own = profile(await read(TEMPLATE, "Cargo.toml"));
    const ours = profile(await read(repository, "Cargo.toml"));
    assert.deepEqual(own, ours);
    const flags = async (/** @type {string} */ folder) =>
      matched(await read(folder, ".cargo/config.toml"), /rustflags = .*/);
    assert.equal(await flags(TEMPLATE), await flags(repository));
    const options = matched(
      await read(repository, "xtask/src/build.rs"),
      /const OPTIMI\w+: [^=]*= \[[^\]]*\]/,
    );
    const words = rawConfig(TEMPLATE).build?.command?.split(/\s+/) ?? [];
    assert.deepEqual(
      words.slice(words.indexOf("wasm-opt") + 1, -3),
      options.replace(/^[^=]*=/, "").match(/-[\w=-]+/g),
    );
    const date = async (/** @type {string} */ folder) =>
      matched(await read(folder, "wrangler.toml"), /compatibility_date.*/);
    assert.equal(await date(TEMPLATE), await date(repository));
  });
});

/**
 * The text that a pattern matches, which must exist.
 *
 * @param {string} text
 * @param {RegExp} pattern
 */
function matched(text, pattern) {
  const found = pattern.exec(text)?.[0];
  assert.ok(found !== undefined, `${pattern} matches nothing`);
  return found;
}

/**
 * The configuration of wrangler in a folder.
 *
 * @param {string} folder
 */
function rawConfig(folder) {
  return experimental_readRawConfig({ config: path.join(folder, "wrangler.toml") }).rawConfig;
}
