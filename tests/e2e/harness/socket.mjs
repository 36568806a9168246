// A client that sends bytes unchanged, for requests that no HTTP library would send.

import { connect } from "node:net";
import { once } from "node:events";
import { bounded } from "./waiting.mjs";

/** @import { Socket } from "node:net" */

/** @typedef {[name: string, value: string]} HeaderLine */

/**
 * A request.
 *
 * @typedef {object} RawRequest
 * @property {string} [method]
 * @property {string} [target]
 * @property {string} [host]
 * @property {string[][]} [headers] Names and values, sent unchanged and in order.
 * @property {string | Uint8Array} [body]
 * @property {boolean} [bare] Omits the Host and `Connection: close` that otherwise come first.
 */

/** The status line and the header lines of a response. */
export class RawHead {
  /**
   * @param {number} status
   * @param {string} reason
   * @param {HeaderLine[]} headerLines
   */
  constructor(status, reason, headerLines) {
    this.status = status;
    this.reason = reason;
    this.headerLines = headerLines;
  }

  /** All values of a header in order. */
  values = (/** @type {string} */ name) =>
    this.headerLines
      .filter(([key]) => key.toLowerCase() === name.toLowerCase())
      .map(([, value]) => value);

  /** The first value of a header. */
  header = (/** @type {string} */ name) => this.values(name)[0];
}

/**
 * A response with its body. `rest` holds the bytes after the response, which should be empty.
 *
 * @typedef {RawHead & {body: Buffer, text: string, rest: Buffer}} RawResponse
 */

/**
 * The bytes of a request.
 *
 * @param {RawRequest} request
 */
export function requestBytes({
  method = "GET",
  target = "/",
  host,
  headers = [],
  body = "",
  bare = false,
}) {
  const own = bare
    ? []
    : [
        ["Host", host],
        ["Connection", "close"],
      ];
  const content = Buffer.from(body);
  const length = content.length > 0 ? [["Content-Length", String(content.length)]] : [];
  const lines = [...own, ...headers, ...length].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  // In Latin-1 each character is one byte, so that a test can send any byte.
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}

/**
 * Sends bytes and resolves with the final response.
 *
 * @param {{hostname: string, port: number}} address
 * @param {Uint8Array} bytes
 * @param {{head?: boolean}} [options] `head` says that it is a HEAD request
 */
export async function exchange({ hostname, port }, bytes, { head = false } = {}) {
  const socket = connect({ host: hostname, port });
  try {
    await once(socket, "connect");
    socket.write(bytes);
    const reader = new ResponseReader(socket);
    return await bounded(reader.response({ head }), "a response on a raw socket");
  } finally {
    socket.destroy();
  }
}

/** Reads HTTP/1.1 responses from a socket. */
export class ResponseReader {
  #buffer = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  /** @param {Socket} socket */
  constructor(socket) {
    socket.on("data", (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  /**
   * Reads the next final response with its whole body.
   *
   * @returns {Promise<RawResponse>}
   */
  async response({ head = false } = {}) {
    while (true) {
      const parsed = await this.head();
      const { status } = parsed;
      if (status >= 100 && status < 200 && status !== 101) continue;
      const hasBody = !head && status !== 204 && status !== 304 && status !== 101;
      const body = hasBody ? await this.#body(parsed) : Buffer.alloc(0);
      return Object.assign(parsed, { body, text: body.toString("utf8"), rest: this.#buffer });
    }
  }

  /** Reads the next status line and header lines. */
  async head() {
    const text = (await this.#until("\r\n\r\n")).toString("latin1");
    const [statusLine = "", ...lines] = text.slice(0, -4).split("\r\n");
    const found = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
    if (!found) throw new SyntaxError(`not a status line: ${statusLine}`);
    const headerLines = lines.map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new SyntaxError(`not a header line: ${line}`);
      return /** @type {HeaderLine} */ ([line.slice(0, colon), line.slice(colon + 1).trim()]);
    });
    return new RawHead(Number(found[1]), found[2] ?? "", headerLines);
  }

  /** @param {RawHead} head */
  async #body(head) {
    if (/\bchunked\b/i.test(head.header("transfer-encoding") ?? "")) return this.#chunked();
    const length = head.header("content-length");
    if (length !== undefined) return this.#exactly(Number(length));
    while (!this.#ended) await this.#more();
    return this.#consume(this.#buffer.length);
  }

  async #chunked() {
    const parts = [];
    while (true) {
      const line = (await this.#until("\r\n")).toString("latin1");
      const size = Number.parseInt(line, 16);
      if (!Number.isInteger(size)) throw new SyntaxError(`not a chunk size: ${line}`);
      if (size === 0) {
        while ((await this.#until("\r\n")).length > 2);
        return Buffer.concat(parts);
      }
      parts.push(await this.#exactly(size));
      await this.#exactly(2);
    }
  }

  /** @param {string} mark */
  async #until(mark) {
    while (true) {
      const at = this.#buffer.indexOf(mark);
      if (at >= 0) return this.#consume(at + mark.length);
      if (this.#ended)
        throw new Error(
          `the connection ended after ${JSON.stringify(this.#buffer.toString("latin1"))}`,
        );
      await this.#more();
    }
  }

  /** @param {number} length */
  async #exactly(length) {
    while (this.#buffer.length < length) {
      if (this.#ended)
        throw new Error(`the connection ended ${length - this.#buffer.length} bytes early`);
      await this.#more();
    }
    return this.#consume(length);
  }

  /** @param {number} length */
  #consume(length) {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  /** @returns {Promise<void>} */
  #more() {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
