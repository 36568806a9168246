// The gateways, each for each algorithm a service with a socket of its own, and the one origin that all of
// them fetch from, in one workerd process: they share its one JavaScript thread, and take turns.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { compatibilityDate, workerdBinary } from "../../tests/e2e/harness/paths.mjs";
import { bounded } from "../../tests/e2e/harness/waiting.mjs";
import { listening, quoted } from "../../tests/e2e/harness/workerd.mjs";
import { AUDIENCE, ISSUER } from "./tokens.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/** What is deployed of a gateway: the modules, the entry first, and what the configuration binds. */
export class Gateway {
  constructor({ name, title, modules, algorithms, bindings }) {
    Object.assign(this, { name, title, modules, algorithms, bindings });
  }

  /** Whether it verifies tokens of this algorithm. */
  handles(algorithm) {
    return this.algorithms === undefined || this.algorithms.includes(algorithm);
  }

  /** The bytes that are uploaded, compressed. */
  async uploadBytes() {
    const contents = await Promise.all(this.modules.map(({ path: file }) => readFile(file)));
    return contents
      .map((bytes) => gzipSync(bytes, { level: 9 }).length)
      .reduce((sum, length) => sum + length);
  }
}

/** The folders of the two Workers in Rust hold what `worker-build` left. */
export function gateways({ gate, passThrough, output }) {
  const libraryBindings = ({ algorithm, jwk, secret }) => ({
    ALGORITHM: algorithm,
    AUDIENCE,
    ISSUER,
    JWK: jwk,
    ...(secret === undefined ? {} : { SECRET: secret }),
  });
  const none = () => ({});
  return [
    new Gateway({
      name: "pass-through",
      title: "pass-through, JavaScript",
      modules: script("pass-through", output),
      bindings: none,
    }),
    new Gateway({
      name: "rust",
      title: "pass-through, Rust",
      modules: rust(passThrough),
      bindings: none,
    }),
    new Gateway({
      name: "portcullis",
      title: "Portcullis",
      modules: rust(gate),
      bindings: policy(AS_IT_CAME),
    }),
    new Gateway({
      name: "portcullis-url",
      title: "Portcullis, to another host",
      modules: rust(gate),
      bindings: policy(TO_ANOTHER_HOST),
    }),
    new Gateway({
      name: "jose",
      title: "jose",
      modules: script("jose", output),
      bindings: libraryBindings,
    }),
    new Gateway({
      name: "hono",
      title: "Hono",
      modules: script("hono", output),
      bindings: libraryBindings,
    }),
    new Gateway({
      name: "tsndr",
      title: "@tsndr/cloudflare-worker-jwt",
      modules: script("tsndr", output),
      algorithms: ["HS256", "RS256", "ES256"],
      bindings: libraryBindings,
    }),
  ];
}

/** Where a policy sends requests: on as they came, as the other gateways do. */
const AS_IT_CAME = { origin: "service:ORIGIN", cache: "origin" };

/** What a policy does by itself besides, with an origin that is a server elsewhere. */
const TO_ANOTHER_HOST = { origin: "https://origin.example", cache: "no-store" };

/** The gate's policy that checks what the others check. */
function policy({ origin, cache }) {
  return ({ algorithm, jwk, secret }) => {
    const keys = secret === undefined ? { jwks: { keys: [jwk] } } : { secret: "SECRET" };
    return {
      POLICY: {
        origin,
        issuers: [
          { name: "issuer", issuer: ISSUER, audience: [AUDIENCE], algorithms: [algorithm], keys },
        ],
        routes: [{ path: "/*", cache }],
      },
      ...(secret === undefined ? {} : { SECRET: secret }),
    };
  };
}

function rust(folder) {
  return [
    { name: "index.js", type: "esModule", path: path.join(folder, "index.js") },
    { name: "index_bg.wasm", type: "wasm", path: path.join(folder, "index_bg.wasm") },
  ];
}

/** A Worker in JavaScript, bundled and minified as wrangler does. */
function script(name, output) {
  const outfile = path.join(output, `${name}.js`);
  buildSync({
    entryPoints: [path.join(here, "workers", `${name}.mjs`)],
    bundle: true,
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    minify: true,
    outfile,
    target: "es2024",
  });
  return [{ name: "index.js", type: "esModule", path: outfile }];
}

/**
 * Starts workerd with services: { name, gateway, signer }. Returns their ports, the process's id, and how to end it.
 */
export async function startFleet(services, output) {
  const directory = await mkdtemp(path.join(os.tmpdir(), "bench-"));
  const all = services.map(({ name, gateway, signer }) => ({
    name,
    modules: gateway.modules,
    bindings: gateway.bindings(signer),
  }));
  await writeFile(
    path.join(directory, "config.capnp"),
    await configuration(all, script("origin", output), directory),
  );
  const child = spawn(workerdBinary, ["serve", "--control-fd=3", "config.capnp"], {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: { ...process.env, TZ: "UTC" },
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ports = await bounded(
      listening(
        child,
        all.map(({ name }) => name),
      ),
      "workerd to listen",
    );
    return { ports, pid: child.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function configuration(services, origin, directory) {
  const embedded = new Map();
  // What several services share is embedded from one copy.
  const module = async ({ name, type, path: file }) => {
    if (!embedded.has(file)) {
      const copy = `${embedded.size}-${name}`;
      await writeFile(path.join(directory, copy), await readFile(file));
      embedded.set(file, copy);
    }
    return `(name = ${quoted(name)}, ${type} = embed ${quoted(embedded.get(file))})`;
  };
  const worker = async ({ modules, bindings = {} }, isGateway) => {
    const binding = ([name, value]) =>
      typeof value === "string"
        ? `(name = ${quoted(name)}, text = ${quoted(value)})`
        : `(name = ${quoted(name)}, json = ${quoted(JSON.stringify(value))})`;
    const origin = isGateway ? ['(name = "ORIGIN", service = "origin")'] : [];
    return `(
      modules = [${(await Promise.all(modules.map(module))).join(", ")}],
      bindings = [${[...origin, ...Object.entries(bindings).map(binding)].join(", ")}],
      compatibilityDate = ${quoted(compatibilityDate)},
      ${isGateway ? 'globalOutbound = "origin",' : ""}
    )`;
  };
  const lines = [`(name = "origin", worker = ${await worker({ modules: origin }, false)})`];
  for (const service of services) {
    lines.push(`(name = ${quoted(service.name)}, worker = ${await worker(service, true)})`);
  }
  const sockets = services.map(
    ({ name }) =>
      `(name = ${quoted(name)}, address = "127.0.0.1:0", http = (), service = ${quoted(name)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${lines.join(",\n    ")}
  ],
  sockets = [${sockets.join(", ")}],
);
`;
}
