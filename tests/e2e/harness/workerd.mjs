// Runs the Worker in plain `workerd serve`. Unlike wrangler's proxy, it passes unusual URLs on
// unchanged.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LogBook, readStructuredLines } from "./logs.mjs";
import { compatibilityDate, workerdBinary } from "./paths.mjs";
import { Running } from "./running.mjs";
import { bounded, messageOf } from "./waiting.mjs";

/** @import { ChildProcess } from "node:child_process" */
/** @import { Readable } from "node:stream" */
/** @import { RuntimeOptions } from "./gate.mjs" */
/** @import { Module } from "./paths.mjs" */

// Everything that was started ends with this process, even if the tests are interrupted.
/** @type {Set<() => void>} */
const leftovers = new Set();
process.on("exit", () => leftovers.forEach((remove) => remove()));
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => process.exit(1));

/**
 * A string binding becomes text, any other value becomes JSON. A service is "host:port".
 *
 * @param {RuntimeOptions} options
 */
export async function startWorkerd({
  modules,
  bindings = {},
  services = {},
  flags = [],
  cfHeader = "",
}) {
  const logs = new LogBook();
  const directory = await mkdtemp(path.join(os.tmpdir(), "gate-"));
  /** @type {ChildProcess | undefined} */
  let child;
  const abandon = () => {
    child?.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  leftovers.add(abandon);
  const stop = async () => {
    if (child && child.exitCode === null && child.signalCode === null) {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      // "close" is emitted after the last line of output has been read.
      await closed;
    }
    await rm(directory, { recursive: true, force: true });
    leftovers.delete(abandon);
  };
  try {
    for (const module of modules) await place(module, directory);
    await writeFile(
      path.join(directory, "config.capnp"),
      configuration({ modules, bindings, services, flags, cfHeader }),
    );
    const started = spawn(
      workerdBinary,
      ["serve", "--experimental", "--control-fd=3", "config.capnp"],
      {
        cwd: directory,
        stdio: ["ignore", "pipe", "pipe", "pipe"],
        env: { ...process.env, TZ: "UTC" },
      },
    );
    child = started;
    readStructuredLines(/** @type {Readable} */ (started.stdout), logs, "stdout");
    readStructuredLines(/** @type {Readable} */ (started.stderr), logs, "stderr");
    const ports = await bounded(listening(started, ["http"]), "workerd to listen", {
      detail: () => `\n${logs.text}`,
    });
    const port = ports.get("http");
    return new Running({ url: `http://127.0.0.1:${port}`, logs, stop });
  } catch (error) {
    await stop();
    throw new Error(`workerd did not start: ${messageOf(error)}\n${logs.text}`, { cause: error });
  }
}

/**
 * @param {Module} module
 * @param {string} directory
 */
async function place({ name, path: source = "", contents }, directory) {
  const target = path.join(directory, name);
  if (contents !== undefined) return writeFile(target, contents);
  // Windows allows symbolic links only with a special privilege.
  return symlink(source, target).catch(() => copyFile(source, target));
}

/**
 * Resolves with the ports that workerd listens on, by the names of the sockets, once all of them
 * are known.
 *
 * @param {ChildProcess} child
 * @param {string[]} names
 * @returns {Promise<Map<string, number>>}
 */
export function listening(child, names) {
  return new Promise((resolve, reject) => {
    const ports = new Map();
    let rest = "";
    // A single listener reads the whole stream. If listeners came and went, chunks in between would
    // be lost.
    child.stdio[3]?.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((line) => line !== "")) {
        const message = JSON.parse(line);
        if (message.event === "listen") ports.set(message.socket, message.port);
      }
      if (names.every((name) => ports.has(name))) resolve(ports);
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`it exited with code ${code}`)));
  });
}

/**
 * @param {Required<
 *   Pick<RuntimeOptions, "modules" | "bindings" | "services" | "flags" | "cfHeader">
 * >} options
 */
function configuration({ modules, bindings, services, flags, cfHeader }) {
  const http = cfHeader === "" ? "()" : `(cfBlobHeader = ${quoted(cfHeader)})`;
  const field = { esm: "esModule", wasm: "wasm", text: "text" };
  const moduleList = modules.map(
    ({ name, type }) => `(name = ${quoted(name)}, ${field[type]} = embed ${quoted(name)})`,
  );
  const bindingList = [
    ...Object.entries(bindings).map(([name, value]) =>
      typeof value === "string"
        ? `(name = ${quoted(name)}, text = ${quoted(value)})`
        : `(name = ${quoted(name)}, json = ${quoted(JSON.stringify(value))})`,
    ),
    ...Object.keys(services).map(
      (name) => `(name = ${quoted(name)}, service = ${quoted(`external:${name}`)})`,
    ),
  ];
  const externals = Object.entries(services).map(
    ([name, address]) =>
      `(name = ${quoted(`external:${name}`)}, external = (address = ${quoted(String(address))}, http = ()))`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gate", worker = .gate),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    ${externals.join(",\n    ")}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = ${http}, service = "gate")],
  structuredLogging = true,
);

const gate :Workerd.Worker = (
  modules = [${moduleList.join(", ")}],
  bindings = [${bindingList.join(", ")}],
  compatibilityDate = ${quoted(compatibilityDate)},
  compatibilityFlags = [${flags.map(quoted).join(", ")}],
  globalOutbound = "internet",
);
`;
}

/**
 * A text literal of Cap'n Proto, whose bytes are escaped as in C.
 *
 * @param {string} text
 */
export function quoted(text) {
  const bytes = [...Buffer.from(text, "utf8")].map((byte) =>
    byte === 0x22 || byte === 0x5c || byte < 0x20 || byte > 0x7e
      ? `\\x${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return `"${bytes.join("")}"`;
}
