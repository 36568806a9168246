// Uses the npm package as somebody does who has Node and nothing else: installs its tarball in an
// empty folder, and runs the commands of the README there.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { repository } from "../e2e/harness/paths.mjs";
import { bounded, signal } from "../e2e/harness/waiting.mjs";

const OUTPUT = path.join(repository, "target/npm");
const LARGEST_TARBALL = 1.5e6;

/**
 * The programs that a newcomer has: this Node, its npm, and those of the system, but no cargo.
 */
const PATH = [
  path.dirname(process.execPath),
  ...(process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => !/cargo|rust|node_modules/i.test(folder)),
].join(path.delimiter);

/** @type {Record<string, string | undefined>} */
const environment = {
  ...process.env,
  PATH,
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_prefer_offline: "true",
  npm_config_update_notifier: "false",
};

const run = promisify(execFile);

/**
 * Runs a line of shell, and returns what it wrote.
 *
 * @param {string} folder
 * @param {string} line
 */
async function shell(folder, line) {
  try {
    const { stdout } = await run("sh", ["-c", line], { cwd: folder, env: environment });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = /** @type {{stdout: string, stderr: string}} */ (error);
    throw new Error(`${line}\n${stdout}\n${stderr}`);
  }
}

/**
 * Runs a line of shell that fails, and returns its exit code and what it wrote on standard error.
 *
 * @param {string} folder
 * @param {string} line
 */
async function failing(folder, line) {
  try {
    await run("sh", ["-c", line], { cwd: folder, env: environment });
  } catch (error) {
    return /** @type {{code: number, stderr: string}} */ (error);
  }
  return assert.fail(`${line} succeeded`);
}

/** The commands of the README for people with Node alone. */
async function commandsOfReadme() {
  const readme = await readFile(path.join(repository, "README.md"), "utf8");
  const block = /```sh\n(npm install [^\n]*\.tgz[^]*?)```/.exec(readme)?.[1];
  assert.ok(block, "the README installs no tarball");
  return block
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
}

/** The one tarball that `cargo xtask package` has built. */
async function tarball() {
  const tarballs = (await readdir(OUTPUT)).filter((name) => name.endsWith(".tgz"));
  assert.equal(tarballs.length, 1, "run `cargo xtask package` first");
  return path.join(OUTPUT, /** @type {string} */ (tarballs[0]));
}

/** Creates an empty folder with the tarball in it. */
async function folderWithTarball() {
  const folder = await mkdtemp(path.join(os.tmpdir(), "newcomer-"));
  await copyFile(await tarball(), path.join(folder, path.basename(await tarball())));
  return folder;
}

/**
 * Starts `wrangler dev` with a line of the README, on a port that the system chooses.
 *
 * @param {string} folder
 * @param {string} line
 */
async function dev(folder, line) {
  const child = spawn("sh", ["-c", `exec ${line} --ip 127.0.0.1 --port 0`], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const ready = /** @type {import("../e2e/harness/waiting.mjs").Signal<string>} */ (signal());
  const closed = signal();
  const see = (/** @type {Buffer} */ chunk) => {
    output += chunk;
    const url = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
    if (url) ready.resolve(url);
  };
  child.stdout.on("data", see);
  child.stderr.on("data", see);
  child.on("close", () => {
    ready.reject(new Error(`wrangler ended:\n${output}`));
    closed.resolve();
  });
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await closed.promise;
  };
  try {
    const url = await bounded(ready.promise, "wrangler dev", { detail: () => `\n${output}` });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

describe("the npm package", { timeout: 300_000 }, () => {
  /** @type {string} */
  let folder;
  /** @type {string[]} */
  let lines;
  before(async () => {
    folder = await folderWithTarball();
    lines = await commandsOfReadme();
    await shell(folder, /** @type {string} */ (lines[0]));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("is small, and contains the Worker as it was built, byte for byte", async () => {
    const { size } = await stat(await tarball());
    assert.ok(size < LARGEST_TARBALL, `the tarball has ${size} bytes`);
    for (const file of ["index.js", "index_bg.wasm"]) {
      const built = await readFile(path.join(repository, "build", file));
      const packed = await readFile(path.join(folder, "node_modules/portcullis", file));
      assert.ok(built.equals(packed), file);
    }
  });

  it("runs no script when it is installed, and depends on nothing", async () => {
    const text = await readFile(path.join(folder, "node_modules/portcullis/package.json"), "utf8");
    const manifest = JSON.parse(text);
    assert.equal(manifest.scripts, undefined);
    assert.equal(manifest.dependencies, undefined);
    assert.deepEqual(Object.keys(manifest.peerDependencies), ["hono", "wrangler"]);
    assert.deepEqual(manifest.peerDependenciesMeta, { hono: { optional: true } });
  });

  it("answers the first requests with the commands of the README", async () => {
    const cargo = await run("sh", ["-c", "command -v cargo || true"], { env: environment });
    assert.equal(cargo.stdout, "", "cargo is on the PATH");
    const [, init, start] = lines;
    assert.deepEqual([init, start], ["npx portcullis init", "npx wrangler dev"]);
    await shell(folder, `${init} < /dev/null`);
    const { url, stop } = await dev(folder, /** @type {string} */ (start));
    try {
      const refused = await fetch(`${url}/api/hello`);
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get("www-authenticate"), 'Bearer realm="api"');
      const token = (await shell(folder, "npx portcullis mint")).trim();
      const admitted = await fetch(`${url}/api/hello`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      assert.equal(admitted.status, 200);
      const echoed = /** @type {{headers: Record<string, string>}} */ (await admitted.json());
      assert.equal(echoed.headers["x-auth-subject"], "demo-user");
      const page = await fetch(`${url}/_portcullis/`);
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<title>/);
    } finally {
      await stop();
    }
  });

  it("checks, tests and packs what init has written", async () => {
    assert.match(await shell(folder, "npx portcullis check"), /no faults, no warnings/);
    assert.match(await shell(folder, "npx portcullis test --coverage 100"), /8 passed, 0 failed/);
    assert.match(await shell(folder, "npx wrangler deploy --dry-run"), /env\.ASSETS/);
  });

  it("takes a preset through check, test and deploy --dry-run", async () => {
    const gate = path.join(folder, "gate");
    await mkdir(gate);
    const preset = "--preset auth0 --domain tenant.eu.auth0.com --audience https://api.example.com";
    const init = `npx portcullis init gate ${preset} --origin https://api.example.com`;
    await shell(folder, init);
    // The paths in the configuration are those of an installed package.
    await writeFile(
      path.join(gate, "wrangler.jsonc"),
      (await readFile(path.join(gate, "wrangler.jsonc"), "utf8")).replaceAll(
        '"node_modules/',
        '"../node_modules/',
      ),
    );
    assert.match(await shell(gate, "npx portcullis check --env ''"), /no faults, no warnings/);
    assert.match(await shell(gate, "npx portcullis test --coverage 100"), /4 passed, 0 failed/);
    assert.match(await shell(gate, "npx wrangler deploy --dry-run --env=''"), /env\.POLICY/);
  });

  it("exports the library, with its types", async () => {
    const script =
      'import { createRequire } from "node:module"; const { resolve } = createRequire(import.meta.url);' +
      'for (const name of ["portcullis", "portcullis/hono", "portcullis/policy.schema.json"])' +
      "console.log(resolve(name));";
    await writeFile(path.join(folder, "resolve.mjs"), script);
    const resolved = (await shell(folder, "node resolve.mjs")).trim().split("\n");
    const files = resolved.map((file) => path.basename(file));
    assert.deepEqual(files, ["index.js", "hono.js", "policy.schema.json"]);
    const exported = JSON.parse(
      await readFile(path.join(folder, "node_modules/portcullis/package.json"), "utf8"),
    ).exports;
    for (const name of [".", "./hono"]) {
      const types = path.join(folder, "node_modules/portcullis", exported[name].types);
      assert.ok((await stat(types)).isFile(), types);
    }
  });

  it("runs examples/fastapi, as its guide says", async (context) => {
    // Not below the folder with the demo, whose configuration would be found first.
    const example = await mkdtemp(path.join(os.tmpdir(), "fastapi-"));
    context.after(() => rm(example, { recursive: true }));
    await cp(path.join(repository, "examples/fastapi"), example, {
      recursive: true,
      filter: (file) => !/node_modules|package-lock|\.dev\.vars|\.wrangler/.test(file),
    });
    const manifest = path.join(example, "package.json");
    const text = await readFile(manifest, "utf8");
    const local = "file:../../target/npm/portcullis-0.1.0.tgz";
    assert.ok(text.includes(local));
    await writeFile(manifest, text.replace(local, `file:${await tarball()}`));
    await shell(example, "npm install");
    await shell(
      example,
      "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
    );
    await shell(example, "npx portcullis keygen --alg EdDSA --identity --out identity.pem");
    await shell(
      example,
      `printf 'IDENTITY_KEY="%s"\nPROVIDER_PUBLIC_KEY="%s"\n' "$(cat identity.pem)" "$(openssl pkey -in key.pem -pubout)" > .dev.vars`,
    );
    assert.match(await shell(example, "npx portcullis check"), /no faults/);
    const mint = "npx portcullis mint --key key.pem --issuer https://tenant.example.com/";
    const explain = "npx portcullis explain --url /api/me";
    const explained = await shell(example, `${mint} --aud https://api.example.com | ${explain}`);
    assert.match(explained, /admitted/);
    assert.match(await shell(example, "npx wrangler deploy --dry-run"), /env\.POLICY/);
  });

  it("says what to do in a folder with a configuration, and with an old Node", async () => {
    const again = await failing(folder, "npx portcullis init < /dev/null");
    assert.equal(again.code, 2);
    assert.match(again.stderr, /already has a wrangler\.jsonc: .* name another folder/);
    const versions = '{ value: { ...process.versions, node: "20.19.0" } }';
    const old = `data:text/javascript,Object.defineProperty(process, "versions", ${versions})`;
    const script = "node_modules/portcullis/cli.js";
    const tooOld = await failing(folder, `node --import '${old}' ${script} check`);
    assert.equal(tooOld.code, 2);
    assert.match(tooOld.stderr, /needs Node 22 or later, and this is Node 20\.19\.0: install/);
  });

  it("says what to install where there is no wrangler", async () => {
    const lonely = await mkdtemp(path.join(os.tmpdir(), "lonely-"));
    try {
      await shell(folder, `npx portcullis init ${lonely} < /dev/null`);
      const file = path.join(lonely, "wrangler.jsonc");
      const text = await readFile(file, "utf8");
      const store = '"kv_namespaces": [{ "binding": "REVOKED" }],\n  "vars"';
      const policy = '"revocation": { "kv": "REVOKED" },\n      "issuers"';
      await writeFile(file, text.replace('"vars"', store).replace('"issuers"', policy));
      const script = path.join(folder, "node_modules/portcullis/cli.js");
      const line = `PATH=${path.dirname(process.execPath)} node ${script} revoke --sub alice`;
      const { code, stderr } = await failing(lonely, line);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /`wrangler` is not installed or not on the PATH: run `npm install/);
    } finally {
      await rm(lonely, { recursive: true });
    }
  });
});
