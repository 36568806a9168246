// A running Worker in any runtime, and the ways to send requests to it.

import assert from "node:assert/strict";
import { exchange, requestBytes } from "./socket.mjs";

/** @import { Miniflare } from "miniflare" */
/** @import { LogBook } from "./logs.mjs" */
/** @import { RawRequest } from "./socket.mjs" */

/**
 * What `fetch` takes. The DOM's type lacks `duplex`, which Node needs for streamed bodies.
 *
 * @typedef {RequestInit & {duplex?: "half"}} FetchInit
 */
/**
 * @typedef {object} Started
 * @property {string} url
 * @property {LogBook} logs
 * @property {() => Promise<void>} stop
 * @property {Miniflare} [miniflare]
 * @property {string[]} [isolates] The URLs of further isolates.
 */

export class Running {
  #stop;
  /** @type {Promise<void> | undefined} */
  #stopped;
  #miniflare;

  /** @param {Started} started */
  constructor({ url, logs, stop, miniflare, isolates = [] }) {
    this.url = url;
    this.logs = logs;
    this.#stop = stop;
    this.#miniflare = miniflare;
    /**
     * The isolates that run this Worker, this one first.
     *
     * @type {[Running, ...Running[]]}
     */
    this.isolates = [
      this,
      ...isolates.map((one) => new Running({ url: one, logs, stop: () => this.stop() })),
    ];
    const { hostname, port, host } = new URL(url);
    this.address = { hostname, port: Number(port) };
    this.host = host;
  }

  /** Gives access to KV and caches, which only Miniflare has. Throws in other runtimes. */
  get miniflare() {
    assert.ok(this.#miniflare, "this Worker does not run in Miniflare");
    return this.#miniflare;
  }

  /**
   * Sends a request. Redirects are not followed.
   *
   * @param {string} path
   * @param {FetchInit} [init]
   */
  fetch(path, init = {}) {
    return fetch(new URL(path, this.url), { redirect: "manual", ...init });
  }

  /**
   * Sends a request with a bearer token.
   *
   * @param {string} token
   * @param {string} path
   * @param {FetchInit & {headers?: Record<string, string>}} [init]
   */
  fetchWith(token, path, init = {}) {
    return this.fetch(path, {
      ...init,
      headers: { ...init.headers, Authorization: `Bearer ${token}` },
    });
  }

  /**
   * Sets the Worker's clock in every isolate. The Worker must have been started with `clock`.
   *
   * @param {number} seconds relative to the real time
   */
  async moveClock(seconds) {
    for (const isolate of this.isolates) {
      const response = await isolate.fetch("/", {
        headers: { "X-Test-Clock-Offset": String(seconds * 1000) },
      });
      if ((await response.text()) !== "moved")
        throw new Error("this Worker was started without a clock to move");
    }
  }

  /**
   * Sends bytes on a socket.
   *
   * @param {RawRequest | Buffer} request
   */
  raw(request) {
    if (Buffer.isBuffer(request)) return exchange(this.address, request);
    const bytes = requestBytes({ host: this.host, ...request });
    return exchange(this.address, bytes, { head: request.method === "HEAD" });
  }

  /** Stops the Worker. Further calls have no effect. */
  stop() {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }
}
