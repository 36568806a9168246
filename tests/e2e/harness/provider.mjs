// A real identity provider in its own process. It counts what is fetched from it and fails on
// command.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AUDIENCE } from "./policies.mjs";
import { bounded, messageOf } from "./waiting.mjs";

/** @import { ChildProcess } from "node:child_process" */
/** @import { JsonWebKey } from "node:crypto" */
/** @import { Answer } from "../fixtures/provider/front.mjs" */
/** @import { Message } from "../fixtures/provider/main.mjs" */
/** @import { KeyChoice } from "../fixtures/provider/provider.mjs" */
/** @import { LogBook } from "./logs.mjs" */

const PROGRAM = fileURLToPath(new URL("../fixtures/provider/main.mjs", import.meta.url));

/** The paths of the provider's metadata and keys. */
export const METADATA = "/.well-known/openid-configuration";
export const JWKS = "/jwks";
export const INTROSPECTION = "/token/introspection";
const TOKEN = "/token";
const REVOCATION = "/token/revocation";

/** The paths that only the tests use. */
const OWN = [TOKEN, REVOCATION];

/** The provider issues opaque access tokens for this audience. */
export const OPAQUE_AUDIENCE = "https://opaque.example.com";

/** The gate's secret at the provider. */
export const GATE_SECRET = "the gate's secret: 100 % + more";

/** This many seconds after an attempt, the gate may try again. */
export const COOLDOWN = 31;
/** After this many seconds, the gate fetches a key set again that has no lifetime of its own. */
export const STALE = 601;

/**
 * The logged attempts to fetch keys that failed.
 *
 * @param {LogBook} book
 */
export const failures = (book) =>
  book.structured.filter(({ event }) => event === "keys_not_fetched");

/**
 * The first key of each algorithm.
 *
 * @type {KeyChoice[]}
 */
const FIRST = [
  { kid: "rsa-1", alg: "RS256" },
  { kid: "ec-1", alg: "ES256" },
  { kid: "ed-1", alg: "EdDSA" },
];

export class Provider {
  #child;
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (reason: unknown) => void}>} */
  #waiting = new Map();
  #next = 0;
  /** @type {string[]} */
  #fetched = [];
  /** @type {Set<() => void>} */
  #arrivals = new Set();

  /** Known once the provider listens. */
  issuer = "";
  jwksUri = "";

  /** @param {ChildProcess} child */
  constructor(child) {
    this.#child = child;
    child.on("message", (message) => this.#receive(/** @type {Message} */ (message)));
    child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the provider ended"));
    });
  }

  async begin() {
    const [{ issuer }] = await bounded(once(this.#child, "message"), "the provider to listen");
    this.issuer = issuer;
    this.jwksUri = `${issuer}${JWKS}`;
    await this.keys(FIRST);
    return this;
  }

  /**
   * Sets the provider's keys.
   *
   * @param {KeyChoice[]} wanted the newest key of each algorithm first
   */
  async keys(wanted) {
    await this.#ask("keys", wanted);
  }

  /**
   * Replaces all keys with a single new one, as after a leak.
   *
   * @param {string} kid
   * @param {KeyChoice["alg"]} [alg]
   */
  rotate(kid, alg = "RS256") {
    return this.keys([{ kid, alg }]);
  }

  /** The key set that the provider publishes. */
  async published() {
    return { keys: /** @type {JsonWebKey[]} */ (await this.#ask("publicKeys")) };
  }

  /**
   * Requests an access token from the token endpoint (RFC 6749 section 4.4, RFC 8707). The token is
   * valid for a week.
   *
   * @param {{alg?: string, audience?: string, scope?: string}} [options]
   * @returns {Promise<string>}
   */
  async token(options = {}) {
    return (await this.grant(options)).access_token;
  }

  /**
   * Does the same, and returns the response of the token endpoint (RFC 6749 section 5.1).
   *
   * @param {{alg?: string, audience?: string, scope?: string, headers?: Record<string, string>,
   *   kind?: "" | "mtls-"}} [options] the tokens of a client of the kind `mtls-` are bound to its
   *   certificate
   * @returns {Promise<{access_token: string, token_type: string}>}
   */
  async grant({ alg = "RS256", audience = AUDIENCE, scope = "read", headers, kind = "" } = {}) {
    const response = await fetch(`${this.issuer}${TOKEN}`, {
      method: "POST",
      ...(headers ? { headers } : {}),
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: `${kind}client-${alg}`,
        client_secret: `the secret of client-${alg}, long enough for whatever it may sign`,
        resource: audience,
        scope,
      }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  }

  /** Requests an opaque access token. */
  opaqueToken() {
    return this.token({ audience: OPAQUE_AUDIENCE });
  }

  /**
   * Revokes a token of the first client (RFC 7009).
   *
   * @param {string} token
   */
  async revoke(token) {
    const response = await fetch(`${this.issuer}${REVOCATION}`, {
      method: "POST",
      body: new URLSearchParams({
        token,
        client_id: "client-RS256",
        client_secret: "the secret of client-RS256, long enough for whatever it may sign",
      }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  /**
   * The gate's private key for `private_key_jwt`.
   *
   * @param {"ES256" | "EdDSA"} alg
   */
  async gateKey(alg) {
    return /** @type {string} */ (await this.#ask("gateKey", alg));
  }

  /**
   * Sets how the provider answers requests for a path.
   *
   * @param {Answer | undefined} answer `undefined` restores the default
   * @param {string} [path]
   */
  async answer(answer, path = JWKS) {
    await this.#ask("answer", { path, answer });
  }

  /**
   * Makes the provider answer with a fixed response.
   *
   * @param {object | string | Uint8Array} body an object is sent as JSON
   * @param {{status?: number, headers?: Record<string, string>, path?: string}} [options]
   */
  answerWith(body, { status = 200, headers = {}, path = JWKS } = {}) {
    const raw =
      typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    const all = { "Content-Type": "application/json", ...headers };
    return this.answer(
      { kind: "fixed", status, headers: all, body: Buffer.from(raw).toString("base64") },
      path,
    );
  }

  /** Breaks every connection that requests the keys or the metadata. */
  fail() {
    return this.#answerBoth({ kind: "reset" });
  }

  /** Delays every response with keys, or for another path, until `recover` is called. */
  hold(path = JWKS) {
    return this.answer({ kind: "hold" }, path);
  }

  /** Restores the default answers and releases the delayed responses. */
  async recover() {
    await this.#answerBoth(undefined);
    await this.answer(undefined, INTROSPECTION);
    await this.#ask("release");
  }

  /** @param {Answer | undefined} answer */
  async #answerBoth(answer) {
    await this.answer(answer, JWKS);
    await this.answer(answer, METADATA);
  }

  /** Returns the paths that have been fetched since the last call. */
  async fetches() {
    // The channel preserves the order: every fetch before this reply has been reported.
    await this.#ask("sync");
    return this.#fetched.splice(0);
  }

  /**
   * Asserts that exactly these paths have been fetched since the last call.
   *
   * @param {string[]} expected
   */
  async expectFetches(expected, why = "") {
    assert.deepEqual(await this.fetches(), expected, why);
  }

  /**
   * Takes the next fetched path.
   *
   * @returns {Promise<string>}
   */
  async nextFetch() {
    while (true) {
      const path = this.#fetched.shift();
      if (path !== undefined) return path;
      /** @type {Promise<void>} */
      const arrival = new Promise((resolve) => this.#arrivals.add(resolve));
      await bounded(arrival, "a fetch at the provider");
    }
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  /**
   * @param {string} command
   * @param {unknown} [argument]
   */
  #ask(command, argument) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ id, command, argument });
    return bounded(answer, `the provider to ${command}`).finally(() => this.#waiting.delete(id));
  }

  /** @param {Message} message */
  #receive({ id, result, error, fetched }) {
    if (fetched !== undefined && !OWN.includes(fetched)) {
      this.#fetched.push(fetched);
      this.#arrivals.forEach((resolve) => resolve());
      this.#arrivals.clear();
    }
    if (id === undefined) return;
    if (error !== undefined) this.#waiting.get(id)?.reject(new Error(error));
    else this.#waiting.get(id)?.resolve(result);
  }
}

/** Starts a provider with one key for each of RS256, ES256 and EdDSA. */
export async function startProvider() {
  const child = fork(PROGRAM, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk) => (output += chunk));
  const provider = new Provider(child);
  try {
    return await provider.begin();
  } catch (error) {
    await provider.stop();
    throw new Error(`the provider did not start: ${messageOf(error)}\n${output}`, {
      cause: error,
    });
  }
}
