#!/usr/bin/env node
// The program `portcullis`. Its commands are the Rust code of the native program, compiled to
// WebAssembly.

import process from "node:process";

const OLDEST_NODE = 22;

const major = Number.parseInt(process.versions.node, 10);
if (major < OLDEST_NODE) {
  process.stderr.write(
    `error: portcullis needs Node ${OLDEST_NODE} or later, and this is Node ${process.versions.node}: ` +
      "install a later one (https://nodejs.org)\n",
  );
  process.exit(2);
}

// Imported only now, because an older Node might not be able to run it.
// @ts-ignore: generated
const { runCommandLine } = await import("./commands.js");
process.exitCode = runCommandLine(process.argv.slice(2));
