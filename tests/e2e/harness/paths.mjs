// The locations of the built Worker and of the runtime.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A module of a Worker. Its content is `contents`, or else the file at `path`.
 *
 * @typedef {object} Module
 * @property {string} name
 * @property {"esm" | "wasm" | "text"} type
 * @property {string} [path]
 * @property {string} [contents]
 */

export const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** The date in wrangler.toml, so that tests run with the semantics that are deployed. */
export const compatibilityDate = (() => {
  const text = readFileSync(path.join(repository, "wrangler.toml"), "utf8");
  const found = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(text)?.[1];
  if (!found) throw new Error("wrangler.toml names no compatibility_date");
  return found;
})();

/**
 * The workerd binary that wrangler depends on.
 *
 * @type {string}
 */
export const workerdBinary = (() => {
  const required = createRequire(import.meta.url)("workerd");
  return required.default ?? required;
})();

/**
 * The modules that `cargo xtask build` produces, the entry first.
 *
 * @returns {Module[]}
 */
export function builtWorker() {
  return [
    { name: "index.js", type: "esm", path: built("index.js") },
    { name: "index_bg.wasm", type: "wasm", path: built("index_bg.wasm") },
  ];
}

/** @param {string} name */
function built(name) {
  const file = path.join(repository, "build", name);
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`cargo xtask build\` first`);
  return file;
}

/** The console's page, bound as in wrangler.toml, in the form that Miniflare takes as `assets`. */
export const page = {
  directory: path.join(repository, "www"),
  binding: "ASSETS",
  run_worker_first: true,
  routerConfig: { has_user_worker: true },
  assetConfig: {
    html_handling: /** @type {const} */ ("none"),
    not_found_handling: /** @type {const} */ ("none"),
  },
};

const CLOCK = `
import gate from "./index.js";

const real = Date.now;
let offset = 0;
Date.now = () => real.call(Date) + offset;

export default {
  fetch(request, env, context) {
    const moved = request.headers.get("X-Test-Clock-Offset");
    if (moved === null) return gate.fetch(request, env, context);
    offset = Number(moved);
    return new Response("moved");
  },
};`;

/**
 * Wraps a Worker so that a request can move its clock: see `Running.moveClock`.
 *
 * @param {Module[]} modules
 * @returns {Module[]}
 */
export function withClock(modules) {
  return [{ name: "clock.js", type: "esm", contents: CLOCK }, ...modules];
}

/**
 * A small Worker from its source, for tests of the harness and of the runtime.
 *
 * @param {string} source
 * @returns {Module[]}
 */
export function scriptWorker(source) {
  return [{ name: "index.js", type: "esm", contents: source }];
}
