// The npm package, assembled from the built Worker, and Workers that import it.

import { buildSync } from "esbuild";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { builtWorker, repository } from "./paths.mjs";

/** @import { Module } from "./paths.mjs" */

const EXPORTS = {
  ".": { types: "./index.d.ts", default: "./index.js" },
  "./hono": { types: "./hono.d.ts", default: "./hono.js" },
};

/**
 * Assembles the package in `node_modules` of a new folder inside the checkout, whose own packages
 * can be imported there too. Ends with the process.
 *
 * @returns {string} The folder.
 */
export function packageFolder() {
  const target = path.join(repository, "target");
  mkdirSync(target, { recursive: true });
  const folder = mkdtempSync(path.join(target, "library-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const into = path.join(folder, "node_modules", "portcullis");
  mkdirSync(into, { recursive: true });
  for (const { name, path: source = "" } of builtWorker()) cpSync(source, path.join(into, name));
  for (const name of ["npm/index.d.ts", "npm/hono.js", "npm/hono.d.ts", "policy.d.ts"])
    cpSync(path.join(repository, name), path.join(into, path.basename(name)));
  const manifest = { name: "portcullis", version: "0.0.0", type: "module", exports: EXPORTS };
  writeFileSync(path.join(into, "package.json"), JSON.stringify(manifest));
  return folder;
}

/**
 * Copies a folder of the checkout into the package's folder.
 *
 * @param {string} folder
 * @param {string} name
 */
export function copied(folder, name) {
  const into = path.join(folder, name);
  cpSync(path.join(repository, name), into, { recursive: true });
  return into;
}

/**
 * Bundles a Worker as wrangler does: in one module, with WebAssembly beside it.
 *
 * @param {string} entry
 * @returns {Module[]}
 */
export function bundled(entry) {
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["*.wasm", "cloudflare:*"],
    logLevel: "warning",
    write: false,
  });
  const contents = outputFiles.map(({ text }) => text).join("");
  const wasm = builtWorker().filter(({ type }) => type === "wasm");
  return [{ name: "worker.js", type: "esm", contents }, ...wasm];
}
