// A real identity provider, in a process of its own, that counts what is fetched from it and fails as told.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AUDIENCE } from "./policies.mjs";
import { bounded } from "./waiting.mjs";

const PROGRAM = fileURLToPath(new URL("../fixtures/provider/main.mjs", import.meta.url));

/** Where the provider has its metadata and its keys. */
export const METADATA = "/.well-known/openid-configuration";
export const JWKS = "/jwks";
const TOKEN = "/token";

/** Past so many seconds since the last attempt the gate may try again. */
export const COOLDOWN = 31;
/** Past so many seconds a set is fetched again whose provider does not say how long it is good. */
export const STALE = 601;

/** What the gate logged of attempts that failed. */
export const failures = (book) =>
  book.structured.filter(({ event }) => event === "keys_not_fetched");

/** A first key for each algorithm. */
const FIRST = [
  { kid: "rsa-1", alg: "RS256" },
  { kid: "ec-1", alg: "ES256" },
  { kid: "ed-1", alg: "EdDSA" },
];

class Provider {
  #child;
  #waiting = new Map();
  #next = 0;
  #fetched = [];
  #arrivals = new Set();

  constructor(child) {
    this.#child = child;
    child.on("message", (message) => this.#receive(message));
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

  /** Which keys it has from now on: [{ kid, alg }], the newest of an algorithm first. */
  keys(wanted) {
    return this.#ask("keys", wanted);
  }

  /** A new key in the place of every one it had: what follows a leak. */
  rotate(kid, alg = "RS256") {
    return this.keys([{ kid, alg }]);
  }

  /** The keys as it publishes them. */
  async published() {
    return { keys: await this.#ask("publicKeys") };
  }

  /** An access token from its token endpoint (RFC 6749 section 4.4, RFC 8707), good for a week. */
  async token({ alg = "RS256", audience = AUDIENCE, scope = "read" } = {}) {
    const response = await fetch(`${this.issuer}${TOKEN}`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: `client-${alg}`,
        client_secret: `the secret of client-${alg}, long enough for whatever it may sign`,
        resource: audience,
        scope,
      }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer.access_token;
  }

  /** Answers its keys, or another path, in some other way: see `fixtures/provider/front.mjs`. */
  async answer(answer, path = JWKS) {
    await this.#ask("answer", { path, answer });
  }

  /** Answers with this instead: an object as JSON, or text, or bytes. */
  answerWith(body, { status = 200, headers = {}, path = JWKS } = {}) {
    const raw =
      typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    const all = { "Content-Type": "application/json", ...headers };
    return this.answer(
      { kind: "fixed", status, headers: all, body: Buffer.from(raw).toString("base64") },
      path,
    );
  }

  /** Breaks every connection to its keys and metadata. */
  fail() {
    return this.#answerBoth({ kind: "reset" });
  }

  /** Holds back every answer to a request for its keys, until it recovers. */
  hold() {
    return this.answer({ kind: "hold" });
  }

  /** Answers by itself again, what it held too. */
  async recover() {
    await this.#answerBoth(undefined);
    await this.#ask("release");
  }

  async #answerBoth(answer) {
    await this.answer(answer, JWKS);
    await this.answer(answer, METADATA);
  }

  /** The paths that the gate has fetched since the last time this was asked. */
  async fetches() {
    // The channel keeps the order: what came before this answer has been told.
    await this.#ask("sync");
    return this.#fetched.splice(0);
  }

  /** Exactly these paths have been fetched since. */
  async expectFetches(expected, why = "") {
    assert.deepEqual(await this.fetches(), expected, why);
  }

  /** Resolves with the next fetched path that has not been taken. */
  async nextFetch() {
    while (this.#fetched.length === 0) {
      await bounded(
        new Promise((resolve) => this.#arrivals.add(resolve)),
        "a fetch at the provider",
      );
    }
    return this.#fetched.shift();
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #ask(command, argument) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ id, command, argument });
    return bounded(answer, `the provider to ${command}`).finally(() => this.#waiting.delete(id));
  }

  #receive({ id, result, error, fetched }) {
    if (fetched !== undefined && fetched !== TOKEN) {
      this.#fetched.push(fetched);
      this.#arrivals.forEach((resolve) => resolve());
      this.#arrivals.clear();
    }
    if (error !== undefined) this.#waiting.get(id)?.reject(new Error(error));
    else if (id !== undefined) this.#waiting.get(id)?.resolve(result);
  }
}

/** Starts a provider with one key for each of RS256, ES256 and EdDSA. */
export async function startProvider() {
  const child = fork(PROGRAM, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk) => (said += chunk));
  const provider = new Provider(child);
  try {
    return await provider.begin();
  } catch (error) {
    await provider.stop();
    throw new Error(`the provider did not start: ${error.message}\n${said}`, { cause: error });
  }
}
