// Loads the commands in Node. `cargo xtask package` compiles them to WebAssembly, and bundles this
// script with the one that wasm-bindgen generates.

import { readFileSync } from "node:fs";
// @ts-ignore: generated
import { initSync, run } from "./commands.js";

/**
 * Runs a command and returns its exit code.
 *
 * @param {string[]} words The command line, without the name of the program.
 * @returns {number}
 */
export function runCommandLine(words) {
  initSync({ module: readFileSync(new URL("commands_bg.wasm", import.meta.url)) });
  return run(["portcullis", ...words]);
}
