// templates/worker, copied to an empty folder and built there as its README says: what a repository of one's own is.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { experimental_readRawConfig } from "wrangler";
import { assertRefused, INVALID, repository, startGate, tokens } from "../e2e/harness/index.mjs";

const TEMPLATE = path.join(repository, "templates/worker");
const HERE = path.join(repository, "target/template");
const COPY = path.join(HERE, "gate");

const ending = process.platform === "win32" ? ".exe" : "";
const tool = (name) => path.join(repository, "target/tools/bin", `${name}${ending}`);
const npm = (name) =>
  path.join(
    repository,
    "node_modules/.bin",
    `${name}${process.platform === "win32" ? ".cmd" : ""}`,
  );

/** Runs it in the copy, where the tools are found that `cargo xtask` has installed. */
async function run(program, words) {
  const environment = { ...process.env };
  // Cargo sets some for what it runs, and they would mean the checkout.
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
      // One folder for every run, so that the second takes seconds.
      CARGO_TARGET_DIR: path.join(HERE, "target"),
      // worker-build would download these.
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
  let gate;
  before(async () => {
    await rm(COPY, { recursive: true, force: true });
    await mkdir(HERE, { recursive: true });
    await cp(TEMPLATE, COPY, { recursive: true });
    const manifest = path.join(COPY, "Cargo.toml");
    const text = await readFile(manifest, "utf8");
    assert.ok(text.includes('path = "../portcullis"'));
    await writeFile(
      manifest,
      text.replace('path = "../portcullis"', `path = ${JSON.stringify(repository)}`),
    );
    // The versions that the checkout is tested with; cargo adds and leaves out what differs.
    await cp(path.join(repository, "Cargo.lock"), path.join(COPY, "Cargo.lock"));
    await run(process.execPath, [
      path.join(repository, "node_modules/wrangler/bin/wrangler.js"),
      ..."deploy --dry-run --outdir upload".split(" "),
    ]);
    const { rawConfig } = experimental_readRawConfig({ config: path.join(COPY, "wrangler.toml") });
    gate = await startGate({
      modules: [
        { name: "index.js", type: "esm", path: path.join(COPY, "build/index.js") },
        { name: "index_bg.wasm", type: "wasm", path: path.join(COPY, "build/index_bg.wasm") },
      ],
      runtime: "workerd",
      policy: rawConfig.vars.POLICY,
      secrets: { PROVIDER_PUBLIC_KEY: keys.spki },
    });
  });
  after(() => gate?.stop());

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

  it("admits a good token, and says who sent it", async () => {
    const response = await gate.fetchWith(token(keys.privateKey), "/api/hello");
    const { headers } = await response.json();
    assert.deepEqual([response.status, headers["x-auth-subject"]], [200, "user-1"]);
  });

  it("refuses no token, a forged one, and a path without a route", async () => {
    await assertRefused(await gate.fetch("/api/hello"), 401, {});
    await assertRefused(
      await gate.fetchWith(token(tokens.rsaKeys().privateKey), "/api/hello"),
      401,
      INVALID,
    );
    assert.equal((await gate.fetch("/elsewhere")).status, 404);
  });

  it("is built as Portcullis builds itself", async () => {
    const profile = (text) =>
      [
        .../^\[profile\.release[^]*?(?=^\[profile\.dev|(?![^]))/m
          .exec(text)[0]
          .matchAll(/^[^#\s].*$/gm),
      ].map(String);
    const own = profile(await readFile(path.join(TEMPLATE, "Cargo.toml"), "utf8"));
    const ours = profile(await readFile(path.join(repository, "Cargo.toml"), "utf8"));
    assert.deepEqual(
      own.filter((line) => line !== "portcullis = { opt-level = 2 }"),
      ours,
    );
    const flags = async (folder) =>
      /rustflags = .*/.exec(await readFile(path.join(folder, ".cargo/config.toml"), "utf8"))[0];
    assert.equal(await flags(TEMPLATE), await flags(repository));
    const [, told] = /const OPTIMISATION[^=]*= \[([^\]]*)\]/.exec(
      await readFile(path.join(repository, "xtask/src/build.rs"), "utf8"),
    );
    const { rawConfig } = experimental_readRawConfig({
      config: path.join(TEMPLATE, "wrangler.toml"),
    });
    const words = rawConfig.build.command.split(/\s+/);
    assert.deepEqual(words.slice(words.indexOf("wasm-opt") + 1, -3), told.match(/-[\w-]+/g));
    const line = async (folder, pattern) =>
      pattern.exec(await readFile(path.join(folder, "wrangler.toml"), "utf8"))[0];
    assert.equal(
      await line(TEMPLATE, /compatibility_date.*/),
      await line(repository, /compatibility_date.*/),
    );
  });
});
