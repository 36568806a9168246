// Runs gateways and their common origin in one workerd process. Each gateway is a service with its
// own socket. The services share the single JavaScript thread and take turns.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
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
import { AUDIENCE, ISSUER, Signer } from "./tokens.mjs";

/** @import { JsonWebKey } from "node:crypto" */

/** @typedef {{name: string, type: "esModule" | "wasm", path: string}} Module */
/** @typedef {(signer: Signer) => Record<string, unknown>} Bindings */
/** @typedef {{origin?: string, cache: string, forward?: object}} Forwarding */
/** @typedef {{name: string, gateway: Gateway, signer: Signer}} Service */
/**
 * A running workerd process.
 *
 * @typedef {object} Fleet
 * @property {(name: string) => number} port Returns the port of a service.
 * @property {number | undefined} pid
 * @property {() => Promise<void>} stop
 */
/** @typedef {(services: Service[]) => Promise<Fleet>} StartFleet */

const here = fileURLToPath(new URL(".", import.meta.url));

/** A gateway as it is deployed: its modules, the entry first, and its bindings. */
export class Gateway {
  /**
   * @param {{name: string, title: string, modules: Module[], algorithms?: string[], mixes?:
   *   string[], tokens?: string[], bindings: Bindings}} gateway `tokens` are sent instead of the
   *   signer's
   */
  constructor({ name, title, modules, algorithms, mixes, tokens, bindings }) {
    this.name = name;
    this.title = title;
    this.modules = modules;
    this.algorithms = algorithms;
    this.mixes = mixes;
    this.tokens = tokens;
    this.bindings = bindings;
  }

  /**
   * Whether the gateway can verify tokens of this algorithm.
   *
   * @param {string} algorithm
   */
  handles(algorithm) {
    return this.algorithms === undefined || this.algorithms.includes(algorithm);
  }

  /** The compressed size of the upload. */
  async uploadBytes() {
    const contents = await Promise.all(this.modules.map(({ path: file }) => readFile(file)));
    return contents
      .map((bytes) => gzipSync(bytes, { level: 9 }).length)
      .reduce((sum, length) => sum + length);
  }
}

/**
 * Builds the gateways.
 *
 * @param {{gate: string, passThrough: string, output: string}} folders `gate` and `passThrough`
 *   hold Workers that `cargo xtask` built; `output` receives the bundles
 */
export function gateways({ gate, passThrough, output }) {
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
    ...["EdDSA", "ES256"].map(
      (identity) =>
        new Gateway({
          name: `portcullis-${identity.toLowerCase()}`,
          title: `Portcullis, with an identity (${identity})`,
          modules: rust(gate),
          // The algorithm of the tokens makes no difference to the identity.
          algorithms: ["ES256"],
          bindings: policy({ ...AS_IT_CAME, identity }),
        }),
    ),
    new Gateway({
      name: "portcullis-opaque",
      title: "Portcullis, opaque tokens",
      modules: rust(gate),
      algorithms: ["RS256"],
      mixes: ["hot"],
      tokens: opaqueTokens(),
      bindings: () => ({ POLICY: introspecting(), CLIENT_SECRET: "a secret for benches only" }),
    }),
    new Gateway({
      name: "jose",
      title: "jose",
      modules: script("jose", output),
      bindings: libraryBindings,
    }),
    new Gateway({
      name: "jose-url",
      title: "jose, to another host",
      modules: script("jose", output),
      bindings: (signer) => ({ ...libraryBindings(signer), HOST: "origin.example" }),
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

/**
 * The gate with tokens that are bound to a key, and the pass-through.
 *
 * @param {{gate: string, output: string}} folders as for {@link gateways}
 */
export function boundGateways({ gate, output }) {
  const usual = policy(AS_IT_CAME);
  return {
    passThrough: new Gateway({
      name: "pass-through",
      title: "pass-through, JavaScript",
      modules: script("pass-through", output),
      bindings: () => ({}),
    }),
    bound: new Gateway({
      name: "bound",
      title: "Portcullis",
      modules: rust(gate),
      bindings: (signer) => {
        const bindings = structuredClone(usual(signer));
        const { issuers } = /** @type {{issuers: Record<string, unknown>[]}} */ (bindings.POLICY);
        issuers.forEach((issuer) => (issuer.sender_constrained = "accepted"));
        return bindings;
      },
    }),
  };
}

/**
 * Builds Workers that respond by themselves, after they have verified the token.
 *
 * @param {{gate: string, output: string}} folders as for {@link gateways}
 */
export function apis({ gate, output }) {
  const isApi = { IS_API: true };
  return [
    new Gateway({
      name: "answer",
      title: "no check",
      modules: script("answer", output),
      bindings: () => ({}),
    }),
    new Gateway({
      name: "portcullis",
      title: "Portcullis, `authenticate`",
      modules: [...script("authenticate", output), ...asPackage(rust(gate))],
      bindings: policy({ cache: "origin" }),
    }),
    new Gateway({
      name: "jose",
      title: "jose, `jwtVerify`",
      modules: script("jose", output),
      bindings: (signer) => ({ ...libraryBindings(signer), ...isApi }),
    }),
    new Gateway({
      name: "hono",
      title: "Hono, `jwk` or `jwt`",
      modules: script("hono", output),
      bindings: (signer) => ({ ...libraryBindings(signer), ...isApi }),
    }),
  ];
}

/**
 * The key, the issuer and the audience, for Workers with a library.
 *
 * @type {Bindings}
 */
const libraryBindings = ({ algorithm, jwk, secret }) => ({
  ALGORITHM: algorithm,
  AUDIENCE,
  ISSUER,
  JWK: jwk,
  ...(secret === undefined ? {} : { SECRET: secret }),
});

/**
 * Forwards requests unchanged, as the other gateways do.
 *
 * @type {Forwarding}
 */
const AS_IT_CAME = { origin: "service:ORIGIN", cache: "origin" };

/**
 * Forwards requests to another server, with the subject as a header.
 *
 * @type {Forwarding}
 */
const TO_ANOTHER_HOST = {
  origin: "https://origin.example",
  cache: "origin",
  forward: { claims: { "X-Auth-Subject": "sub" } },
};

/**
 * A policy of the gate that performs the same checks as the other gateways. `identity` is the
 * algorithm of the identity that the gate signs for the origin, if it signs one.
 *
 * @param {Forwarding & {identity?: string}} forwarding
 * @returns {Bindings}
 */
function policy({ cache, identity, ...forwarding }) {
  const signed = {
    key: "IDENTITY_KEY",
    issuer: "https://gate.example",
    audience: AUDIENCE,
    lifetime: 3600,
  };
  const key = identity === undefined ? undefined : new Signer(identity).privateJwk();
  return ({ algorithm, jwk, secret }) => {
    const keys = secret === undefined ? { jwks: { keys: [jwk] } } : { secret: "SECRET" };
    return {
      POLICY: {
        ...forwarding,
        issuers: [
          { name: "issuer", issuer: ISSUER, audience: [AUDIENCE], algorithms: [algorithm], keys },
        ],
        routes: [{ path: "/*", cache }],
        ...(key === undefined ? {} : { forward: { identity: signed } }),
      },
      ...(key === undefined ? {} : { IDENTITY_KEY: key }),
      ...(secret === undefined ? {} : { SECRET: secret }),
    };
  };
}

/** Few enough that the gate introspects all of them within one second. */
const OPAQUE_TOKENS = 40;

/** Tokens that the introspection endpoint in `workers/origin.mjs` calls active. */
const opaqueTokens = () =>
  Array.from({ length: OPAQUE_TOKENS }, () => `active-${randomBytes(32).toString("base64url")}`);

/** The same policy for opaque tokens. Their answers stay fresh during the measurement. */
const introspecting = () => ({
  origin: AS_IT_CAME.origin,
  issuers: [
    {
      name: "issuer",
      issuer: ISSUER,
      audience: [AUDIENCE],
      introspection: {
        endpoint: `${ISSUER}introspect`,
        client_id: "gate",
        client_secret: "CLIENT_SECRET",
        cache: 3600,
      },
    },
  ],
  routes: [{ path: "/*", cache: AS_IT_CAME.cache }],
});

/**
 * @param {string} folder
 * @returns {Module[]}
 */
function rust(folder) {
  return [
    { name: "index.js", type: "esModule", path: path.join(folder, "index.js") },
    { name: "index_bg.wasm", type: "wasm", path: path.join(folder, "index_bg.wasm") },
  ];
}

/**
 * Names the gate's script as the npm package is named in an import.
 *
 * @param {Module[]} modules
 */
const asPackage = (modules) =>
  modules.map((module) =>
    module.type === "esModule" ? { ...module, name: "portcullis" } : module,
  );

/**
 * Bundles and minifies a Worker in JavaScript, as wrangler does.
 *
 * @param {string} name
 * @param {string} output
 * @returns {Module[]}
 */
function script(name, output) {
  const outfile = path.join(output, `${name}.js`);
  buildSync({
    entryPoints: [path.join(here, "workers", `${name}.mjs`)],
    bundle: true,
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    minify: true,
    // The gate is not bundled, so that the module is the one that was built.
    external: ["portcullis"],
    outfile,
    target: "es2024",
  });
  return [{ name: "main.js", type: "esModule", path: outfile }];
}

/**
 * Starts workerd with all services.
 *
 * @param {Service[]} services
 * @param {string} output
 * @returns {Promise<Fleet>}
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
    const port = (/** @type {string} */ name) => {
      const found = ports.get(name);
      if (found === undefined) throw new Error(`no service ${name}`);
      return found;
    };
    return { port, pid: child.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {{name: string, modules: Module[], bindings: Record<string, unknown>}[]} services
 * @param {Module[]} origin
 * @param {string} directory
 */
async function configuration(services, origin, directory) {
  /**
   * The copies of the modules by their paths. A module that several services share is copied once.
   *
   * @type {Map<string, string>}
   */
  const copies = new Map();
  const module = async (/** @type {Module} */ { name, type, path: file }) => {
    let copy = copies.get(file);
    if (copy === undefined) {
      copy = `${copies.size}-${name}`;
      await writeFile(path.join(directory, copy), await readFile(file));
      copies.set(file, copy);
    }
    return `(name = ${quoted(name)}, ${type} = embed ${quoted(copy)})`;
  };
  /**
   * @param {{modules: Module[], bindings?: Record<string, unknown>}} worker
   * @param {boolean} isGateway
   */
  const worker = async ({ modules, bindings = {} }, isGateway) => {
    const binding = (/** @type {[string, unknown]} */ [name, value]) =>
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
