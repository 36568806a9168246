// A Worker that runs, whatever runs it, and the ways to talk to it.

import { exchange, requestBytes } from "./socket.mjs";

export class Running {
  #stop;
  #stopped;

  constructor({ url, logs, stop, miniflare, isolates }) {
    this.url = url;
    this.logs = logs;
    this.#stop = stop;
    /** The same Worker in isolates of its own, each with the same ways to talk to it. This one is the first. */
    this.isolates = [
      this,
      ...(isolates ?? []).map((one) => new Running({ url: one, logs, stop: () => this.stop() })),
    ];
    /** For what only Miniflare can: KV contents, caches. */
    this.miniflare = miniflare;
    const { hostname, port, host } = new URL(url);
    this.address = { hostname, port: Number(port) };
    this.host = host;
  }

  /** The ordinary client. Redirects are handed over as they are. */
  fetch(path, init = {}) {
    return fetch(new URL(path, this.url), { redirect: "manual", ...init });
  }

  /** GET with this token, or another method. */
  fetchWith(token, path, init = {}) {
    return this.fetch(path, {
      ...init,
      headers: { ...init.headers, Authorization: `Bearer ${token}` },
    });
  }

  /** Moves the Worker's clock to so many seconds from the real one, in every isolate; it must be started with one. */
  async moveClock(seconds) {
    for (const isolate of this.isolates) {
      const response = await isolate.fetch("/", {
        headers: { "X-Test-Clock-Offset": String(seconds * 1000) },
      });
      if ((await response.text()) !== "moved")
        throw new Error("this Worker was started without a clock to move");
    }
  }

  /** Bytes on a socket: `request` as for `requestBytes`, or a Buffer. */
  raw(request) {
    if (Buffer.isBuffer(request)) return exchange(this.address, request);
    const bytes = requestBytes({ host: this.host, ...request });
    return exchange(this.address, bytes, { head: request.method === "HEAD" });
  }

  /** Ends what was started, once, however often it is called. */
  stop() {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }
}
