// The Worker in Miniflare, which is what `wrangler dev` runs: workerd behind wrangler's own proxy.

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { LogBook } from "./logs.mjs";
import { compatibilityDate, repository } from "./paths.mjs";
import { Running } from "./running.mjs";

const TYPES = { esm: "ESModule", wasm: "CompiledWasm", text: "Text" };

/**
 * As `startWorkerd`; `isolates`: how many of the Worker there are, which share one Cache API. Further keys (kvNamespaces, ratelimits, workers …) go to Miniflare as they are, `workers`
 * being those beside the gate. `resourcePersistencePath`: where its KV namespaces are kept, if not in memory.
 */
export async function startMiniflare({
  modules,
  isolates = 1,
  workers = [],
  resourcePersistencePath,
  ...rest
}) {
  const { bindings = {}, services = {}, flags = [], ...others } = rest;
  const logs = new LogBook();
  const { cf = false, ...further } = others;
  const worker = {
    modulesRoot: repository,
    modules: await Promise.all(modules.map(asMiniflareModule)),
    compatibilityDate,
    compatibilityFlags: flags,
    bindings,
    serviceBindings: Object.fromEntries(
      Object.entries(services).map(([name, value]) => [name, designator(value)]),
    ),
    ...further,
  };
  // Beside the first, which stands behind Miniflare's own proxy, each has a socket of its own.
  const besides = [...Array(isolates - 1).keys()].map((index) => `gate-${index + 2}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf,
      logRequests: false,
      resourcePersistencePath,
      log: new Forward(logs),
      handleStructuredLogs: ({ level, message }) => logs.add({ level, message }),
      workers: [
        { name: "gate", ...worker },
        ...besides.map((name) => ({
          name,
          ...worker,
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        })),
        ...workers,
      ],
    }),
  );
  const stop = () => miniflare.dispose();
  try {
    const ready = await miniflare.ready;
    const urls = await Promise.all(besides.map((name) => miniflare.unsafeGetDirectURL(name)));
    return new Running({
      url: `http://127.0.0.1:${ready.port}`,
      logs,
      stop,
      miniflare,
      isolates: urls.map((url) => url.href),
    });
  } catch (error) {
    await stop().catch(() => {});
    throw new Error(`Miniflare did not start: ${error.message}\n${logs.text}`, { cause: error });
  }
}

async function asMiniflareModule({ name, type, path: source, contents }) {
  return {
    type: TYPES[type],
    path: path.join(repository, name),
    contents: contents ?? (await readFile(source, type === "wasm" ? null : "utf8")),
  };
}

/** "host:port" is a server; anything else is as Miniflare has it. */
function designator(value) {
  return typeof value === "string" && /^[^:]+:\d+$/.test(value)
    ? { external: { address: value, http: {} } }
    : value;
}

/** Miniflare's own remarks go into the book too. */
class Forward extends Log {
  #book;

  constructor(book) {
    super(LogLevel.WARN);
    this.#book = book;
  }

  log(message) {
    this.#book.add({ level: "miniflare", message });
  }
}
