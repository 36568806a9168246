// The Worker in bare `workerd serve`: no proxy of wrangler's stands before it, so that odd URLs arrive as they are.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LogBook, readStructuredLines } from "./logs.mjs";
import { compatibilityDate, workerdBinary } from "./paths.mjs";
import { Running } from "./running.mjs";
import { bounded } from "./waiting.mjs";

// What we started ends with us, also when a test run is broken off.
const leftovers = new Set();
process.on("exit", () => leftovers.forEach((remove) => remove()));
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => process.exit(1));

/**
 * `modules`: [{ name, type: "esm" | "wasm", path | contents }], the entry first. `bindings`: strings become
 * text, anything else JSON. `services`: { NAME: "host:port" }.
 */
export async function startWorkerd({ modules, bindings = {}, services = {}, flags = [] }) {
  const logs = new LogBook();
  const directory = await mkdtemp(path.join(os.tmpdir(), "gate-"));
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
      // "close" comes after the last line of output has been read.
      await closed;
    }
    await rm(directory, { recursive: true, force: true });
    leftovers.delete(abandon);
  };
  try {
    for (const module of modules) await place(module, directory);
    await writeFile(
      path.join(directory, "config.capnp"),
      configuration({ modules, bindings, services, flags }),
    );
    child = spawn(workerdBinary, ["serve", "--experimental", "--control-fd=3", "config.capnp"], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, TZ: "UTC" },
    });
    readStructuredLines(child.stdout, logs, "stdout");
    readStructuredLines(child.stderr, logs, "stderr");
    const ports = await bounded(listening(child, ["http"]), "workerd to listen", {
      detail: () => `\n${logs.text}`,
    });
    const port = ports.get("http");
    return new Running({ url: `http://127.0.0.1:${port}`, logs, stop });
  } catch (error) {
    await stop();
    throw new Error(`workerd did not start: ${error.message}\n${logs.text}`, { cause: error });
  }
}

async function place({ name, path: source, contents }, directory) {
  const target = path.join(directory, name);
  if (contents !== undefined) return writeFile(target, contents);
  // A link where the system lets us, else a copy.
  return symlink(source, target).catch(() => copyFile(source, target));
}

/** The ports that workerd says it listens on, by the names of the sockets, once there are all of them. */
export function listening(child, names) {
  return new Promise((resolve, reject) => {
    const ports = new Map();
    let rest = "";
    // One listener throughout: between two that each take one chunk, a third would be lost.
    child.stdio[3].on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines.filter((line) => line !== "")) {
        const message = JSON.parse(line);
        if (message.event === "listen") ports.set(message.socket, message.port);
      }
      if (names.every((name) => ports.has(name))) resolve(ports);
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`it ended with code ${code}`)));
  });
}

function configuration({ modules, bindings, services, flags }) {
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
      `(name = ${quoted(`external:${name}`)}, external = (address = ${quoted(address)}, http = ()))`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gate", worker = .gate),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    ${externals.join(",\n    ")}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "gate")],
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

/** A Cap'n Proto text literal: bytes, escaped as in C. */
export function quoted(text) {
  const bytes = [...Buffer.from(text, "utf8")].map((byte) =>
    byte === 0x22 || byte === 0x5c || byte < 0x20 || byte > 0x7e
      ? `\\x${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return `"${bytes.join("")}"`;
}
