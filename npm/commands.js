// Loads the commands, which `cargo xtask package` compiles to WebAssembly and bundles with this
// script.

import { readFileSync } from "node:fs";
// @ts-ignore: generated
import { initSync, run } from "./portcullis_cli.js";

/**
 * Runs a command and returns its exit code.
 *
 * @param {string[]} words The command line, without the name of the program.
 * @returns {number}
 */
export function runCommandLine(words) {
  initSync({ module: readFileSync(new URL("commands.wasm", import.meta.url)) });
  return run(["portcullis", ...words]);
}
