// Runs the Worker in Miniflare, as `wrangler dev` does: workerd behind wrangler's own proxy.

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { LogBook } from "./logs.mjs";
import { compatibilityDate, repository } from "./paths.mjs";
import { Running } from "./running.mjs";
import { messageOf } from "./waiting.mjs";

/** @import { V4WorkerOptions } from "miniflare" */
/** @import { Module } from "./paths.mjs" */
/** @import { RuntimeOptions } from "./gate.mjs" */

/** @typedef {NonNullable<V4WorkerOptions["serviceBindings"]>} Services */

const TYPES = /** @type {const} */ ({ esm: "ESModule", wasm: "CompiledWasm", text: "Text" });

/** @param {RuntimeOptions} options */
export async function startMiniflare({
  modules,
  isolates = 1,
  workers = [],
  resourcePersistencePath,
  bindings = {},
  services = {},
  flags = [],
  cf = false,
  ...further
}) {
  const logs = new LogBook();
  /** @type {V4WorkerOptions} */
  const worker = {
    modulesRoot: repository,
    modules: await Promise.all(modules.map(asMiniflareModule)),
    compatibilityDate,
    compatibilityFlags: flags,
    bindings: /** @type {V4WorkerOptions["bindings"]} */ (bindings),
    serviceBindings: Object.fromEntries(
      Object.entries(services).map(([name, value]) => [name, designator(value)]),
    ),
    ...further,
  };
  // Miniflare's own proxy serves only the first isolate. Each of the others gets its own socket.
  const others = [...Array(isolates - 1).keys()].map((index) => `gate-${index + 2}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf,
      logRequests: false,
      resourcePersistencePath,
      log: new BookLog(logs),
      handleStructuredLogs: ({ level, message }) => logs.add({ level, message }),
      workers: [
        { name: "gate", ...worker },
        ...others.map((name) => ({
          name,
          ...worker,
          durableObjects: ofFirst(worker.durableObjects),
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        })),
        ...workers,
      ],
    }),
  );
  const stop = () => miniflare.dispose();
  try {
    const ready = await miniflare.ready;
    const urls = await Promise.all(others.map((name) => miniflare.unsafeGetDirectURL(name)));
    return new Running({
      url: `http://127.0.0.1:${ready.port}`,
      logs,
      stop,
      miniflare,
      isolates: urls.map((url) => url.href),
    });
  } catch (error) {
    await stop().catch(() => {});
    throw new Error(`Miniflare did not start: ${messageOf(error)}\n${logs.text}`, {
      cause: error,
    });
  }
}

/**
 * The Durable Objects of the first isolate, which all isolates of a Worker share.
 *
 * @param {V4WorkerOptions["durableObjects"]} objects
 * @returns {V4WorkerOptions["durableObjects"]}
 */
function ofFirst(objects = {}) {
  const shared = Object.entries(objects).map(([name, value]) => {
    const designator = typeof value === "string" ? { className: value } : value;
    return [name, { ...designator, scriptName: "gate" }];
  });
  return Object.fromEntries(shared);
}

/** @param {Module} module */
async function asMiniflareModule({ name, type, path: source = "", contents }) {
  return {
    type: TYPES[type],
    path: path.join(repository, name),
    contents: contents ?? (await readFile(source, type === "wasm" ? null : "utf8")),
  };
}

/**
 * Turns "host:port" into an external server. Miniflare takes any other value unchanged.
 *
 * @param {Services[string]} value
 * @returns {Services[string]}
 */
function designator(value) {
  return typeof value === "string" && /^[^:]+:\d+$/.test(value)
    ? { external: { address: value, http: {} } }
    : value;
}

/** Adds Miniflare's own messages to the book. */
class BookLog extends Log {
  #book;

  /** @param {LogBook} book */
  constructor(book) {
    super(LogLevel.WARN);
    this.#book = book;
  }

  /**
   * @override
   * @param {string} message
   */
  log(message) {
    this.#book.add({ level: "miniflare", message });
  }
}
