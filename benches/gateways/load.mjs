// Generates load: a fixed number of requests over persistent connections. Each connection sends the
// next request when the previous one has been answered. A run fails if a response has an unexpected
// status or if no response arrives for a while.

import net from "node:net";

const SILENCE_MILLISECONDS = 20_000;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** The URL of the requests, without the query, as the Worker sees it. */
export const URL_OF_REQUESTS = "http://api.example.com/api/items/17";

/**
 * The bytes of a request with a token, and with a DPoP proof if there is one.
 *
 * @param {string} token
 * @param {string} [proof]
 */
export function request(token, proof) {
  const credentials =
    typeof proof === "string"
      ? `Authorization: DPoP ${token}\r\nDPoP: ${proof}\r\n\r\n`
      : `Authorization: Bearer ${token}\r\n\r\n`;
  return Buffer.from(
    "GET /api/items/17?page=2 HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\n" +
      "Accept-Encoding: gzip, br\r\nUser-Agent: bench/1.0\r\nCF-Connecting-IP: 203.0.113.7\r\n" +
      credentials,
  );
}

/** Connections to one gateway that stay open between rounds. */
export class Load {
  #port;
  /** @type {net.Socket[]} */
  #sockets = [];

  /**
   * @param {number} port
   * @param {number} connections
   */
  constructor(port, connections) {
    this.#port = port;
    this.connections = connections;
  }

  async open() {
    this.#sockets = await Promise.all(
      Array.from({ length: this.connections }, () => connected(this.#port)),
    );
  }

  close() {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  /**
   * Sends every request once. Returns the duration in seconds, the processor time of this process
   * in seconds, and the latency of each response in microseconds.
   *
   * @param {Buffer[]} requests
   * @param {number} [status] the expected status
   */
  async run(requests, status = 200) {
    const latencies = new Float64Array(requests.length);
    let next = 0;
    const expected = `HTTP/1.1 ${status} `;
    const used = process.cpuUsage();
    const began = performance.now();
    await Promise.all(
      this.#sockets.map((socket) =>
        exchange(
          socket,
          () => (next < requests.length ? next++ : undefined),
          requests,
          expected,
          latencies,
        ),
      ),
    );
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(used);
    return { seconds, ownSeconds: (user + system) / 1e6, latencies };
  }
}

/** @param {number} port */
async function connected(port) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/**
 * Sends one connection's share of the requests, each when the previous response is complete.
 *
 * @param {net.Socket} socket
 * @param {() => number | undefined} take returns the index of the next request
 * @param {Buffer[]} requests
 * @param {string} expected
 * @param {Float64Array} latencies
 * @returns {Promise<void>}
 */
function exchange(socket, take, requests, expected, latencies) {
  return new Promise((resolve, reject) => {
    let index = 0;
    let sent = 0;
    let pending = Buffer.alloc(0);
    const finish = (/** @type {Error | undefined} */ error = undefined) => {
      socket.setTimeout(0);
      for (const event of ["data", "error", "close", "timeout"]) socket.removeAllListeners(event);
      if (error) reject(error);
      else resolve();
    };
    const send = () => {
      const next = take();
      if (next === undefined) return finish();
      index = next;
      sent = performance.now();
      socket.write(/** @type {Buffer} */ (requests[index]));
    };
    socket.setTimeout(SILENCE_MILLISECONDS);
    socket.on("timeout", () => finish(new Error("no response")));
    socket.on("error", finish);
    socket.on("close", () => finish(new Error("the connection was closed")));
    socket.on("data", (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = responseLength(pending);
      if (length === undefined || pending.length < length) return;
      if (
        pending.length > length ||
        !pending.subarray(0, expected.length).equals(Buffer.from(expected))
      ) {
        return finish(new Error(`expected ${expected}, got ${pending.toString("latin1")}`));
      }
      pending = Buffer.alloc(0);
      latencies[index] = (performance.now() - sent) * 1000;
      send();
    });
    send();
  });
}

/**
 * Returns the length of the response at the start of the bytes, or `undefined` if that is not known
 * yet.
 *
 * @param {Buffer} bytes
 */
function responseLength(bytes) {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return end + END_OF_HEAD.length + Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const last = bytes.indexOf("0\r\n\r\n", end + END_OF_HEAD.length - 1, "latin1");
    return last < 0 ? undefined : last + 5;
  }
  return end + END_OF_HEAD.length;
}
