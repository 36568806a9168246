// Where the built Worker and the runtime are.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** The date in wrangler.toml: tests run with the semantics that are deployed. */
export const compatibilityDate = (() => {
  const text = readFileSync(path.join(repository, "wrangler.toml"), "utf8");
  const found = /^compatibility_date\s*=\s*"([^"]+)"/m.exec(text);
  if (!found) throw new Error("wrangler.toml names no compatibility_date");
  return found[1];
})();

/** The workerd binary that came with wrangler. */
export const workerdBinary = (() => {
  const required = createRequire(import.meta.url)("workerd");
  return required.default ?? required;
})();

/** The modules that `cargo xtask build` made, the entry first. */
export function builtWorker() {
  const modules = [
    { name: "index.js", type: "esm", path: path.join(repository, "build/index.js") },
    { name: "index_bg.wasm", type: "wasm", path: path.join(repository, "build/index_bg.wasm") },
  ];
  for (const module of modules) {
    if (!existsSync(module.path)) {
      throw new Error(`${module.path} is missing: run \`cargo xtask build\` first`);
    }
  }
  return modules;
}

/** The console's page as wrangler.toml binds it: what Miniflare takes as `assets`. */
export const page = {
  directory: path.join(repository, "www"),
  binding: "ASSETS",
  run_worker_first: true,
  routerConfig: { has_user_worker: true },
  assetConfig: { html_handling: "none", not_found_handling: "none" },
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

/** A Worker whose clock a request can move: see \`Running.moveClock\`. */
export function withClock(modules) {
  return [{ name: "clock.js", type: "esm", contents: CLOCK }, ...modules];
}

/** A small Worker given as JavaScript: tests of the harness, and probes of the runtime itself. */
export function scriptWorker(source) {
  return [{ name: "index.js", type: "esm", contents: source }];
}
