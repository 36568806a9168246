// A client that writes bytes as they are given: for requests that no HTTP library would send.

import { connect } from "node:net";
import { once } from "node:events";
import { bounded } from "./waiting.mjs";

/**
 * The bytes of a request. `headers` is a list of [name, value], written as they are, in order; Host and
 * `Connection: close` come first unless `bare`.
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
  // Latin-1: one character is one byte, so that any byte can be written.
  return Buffer.concat([Buffer.from(head, "latin1"), content]);
}

/** Sends the bytes to { hostname, port } and resolves with the one response (after any 1xx). */
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

  /** The next final response with its whole body. */
  async response({ head = false } = {}) {
    while (true) {
      const parsed = await this.head();
      if (parsed.status >= 100 && parsed.status < 200 && parsed.status !== 101) continue;
      const bodiless =
        head || parsed.status === 204 || parsed.status === 304 || parsed.status === 101;
      parsed.body = bodiless ? Buffer.alloc(0) : await this.#body(parsed);
      parsed.text = parsed.body.toString("utf8");
      // Bytes after the end of a response that has none, or more than it says, are a fault of their own.
      parsed.rest = this.#buffer;
      return parsed;
    }
  }

  /** The next status line and header lines. */
  async head() {
    const text = (await this.#until("\r\n\r\n")).toString("latin1");
    const [statusLine, ...lines] = text.slice(0, -4).split("\r\n");
    const found = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
    if (!found) throw new SyntaxError(`not a status line: ${statusLine}`);
    const headerLines = lines.map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new SyntaxError(`not a header line: ${line}`);
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const values = (name) =>
      headerLines.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
    return {
      status: Number(found[1]),
      reason: found[2] ?? "",
      headerLines,
      values,
      header: (name) => values(name)[0],
    };
  }

  async #body(parsed) {
    if (/\bchunked\b/i.test(parsed.header("transfer-encoding") ?? "")) return this.#chunked();
    const length = parsed.header("content-length");
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

  async #exactly(length) {
    while (this.#buffer.length < length) {
      if (this.#ended)
        throw new Error(`the connection ended ${length - this.#buffer.length} bytes early`);
      await this.#more();
    }
    return this.#consume(length);
  }

  #consume(length) {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  #more() {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
