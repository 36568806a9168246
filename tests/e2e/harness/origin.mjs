// An HTTP origin on a real socket. It records every request as it arrives and answers as
// configured.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { bounded, signal } from "./waiting.mjs";

/** @import { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http" */
/** @import { AddressInfo, Socket } from "node:net" */
/** @import { Duplex } from "node:stream" */
/** @import { WebSocket } from "ws" */
/** @import { Signal } from "./waiting.mjs" */

/**
 * @typedef {object} Body
 * @property {number} length
 * @property {string} sha256
 * @property {string | undefined} text Only if the body is small.
 */
/**
 * @typedef {object} FixedAnswer
 * @property {number} [status]
 * @property {OutgoingHttpHeaders | string[][]} [headers]
 * @property {string | Uint8Array} [body]
 */
/**
 * @callback Handler
 * @param {Received} received
 * @param {ServerResponse} response
 * @param {IncomingMessage} message
 * @returns {unknown}
 */

const KEPT_BODY = 256 * 1024;

/** One request as the origin received it. */
export class Received {
  /** @type {[name: string, value: string][]} */
  #pairs;
  /** @type {Buffer[]} */
  #kept = [];
  #keptLength = 0;
  #hash = createHash("sha256");
  #begun = signal();
  /** @type {Signal<Body>} */
  #ended = signal();
  /** @type {WebSocket | undefined} */
  #webSocket;

  /** @param {IncomingMessage} message */
  constructor(message) {
    this.method = message.method ?? "";
    this.target = message.url ?? "";
    this.version = message.httpVersion;
    this.bodyLength = 0;
    const raw = message.rawHeaders;
    // Node decodes header bytes as Latin-1, which preserves every byte.
    this.#pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ""]] : []));
    message.on("data", (chunk) => this.#take(chunk));
    message.on("end", () => this.#finish());
    message.on("error", (error) => this.#ended.reject(error));
    message.on("close", () => this.#ended.reject(new Error("the request was cut off")));
  }

  /**
   * Every header line in order. The names keep their case.
   *
   * @returns {[name: string, value: string][]}
   */
  get headerLines() {
    return this.#pairs.map(([name, value]) => [name, value]);
  }

  /**
   * All values of a header in order.
   *
   * @param {string} name in any case
   */
  values(name) {
    const wanted = name.toLowerCase();
    return this.#pairs.flatMap(([key, value]) => (key.toLowerCase() === wanted ? [value] : []));
  }

  /**
   * The value of a header that must not be repeated, or `undefined` if the header is absent.
   *
   * @param {string} name in any case
   */
  header(name) {
    const values = this.values(name);
    assert.ok(values.length <= 1, `the origin received ${name} ${values.length} times`);
    return values[0];
  }

  /** The origin's end of the WebSocket. Throws if the request was not upgraded. */
  get webSocket() {
    assert.ok(this.#webSocket, `${this.method} ${this.target} was not upgraded`);
    return this.#webSocket;
  }

  /** @param {WebSocket} webSocket */
  upgraded(webSocket) {
    this.#webSocket = webSocket;
  }

  /** Resolves when the first byte of the body has arrived. */
  bodyBegun() {
    return bounded(this.#begun.promise, "the first byte of a body at the origin");
  }

  /** Resolves when the whole body has arrived. */
  body({ limit = 100_000 } = {}) {
    return bounded(this.#ended.promise, "the end of a body at the origin", { limit });
  }

  /** @param {Buffer} chunk */
  #take(chunk) {
    this.bodyLength += chunk.length;
    this.#hash.update(chunk);
    if (this.#keptLength < KEPT_BODY) {
      this.#kept.push(chunk);
      this.#keptLength += chunk.length;
    }
    this.#begun.resolve();
  }

  #finish() {
    const isSmall = this.bodyLength <= KEPT_BODY;
    this.#ended.resolve({
      length: this.bodyLength,
      sha256: this.#hash.digest("hex"),
      text: isSmall ? Buffer.concat(this.#kept).toString("utf8") : undefined,
    });
  }
}

export class Origin {
  #server;
  /** @type {Set<Socket>} */
  #sockets = new Set();
  #webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => this.chooseProtocol(offered),
  });
  /** @type {Received[]} */
  #requests = [];
  /** @type {Set<() => void>} */
  #arrivals = new Set();
  /** @type {Handler} */
  #answer = answerOk;

  constructor() {
    this.#server = createServer({
      maxHeaderSize: 1024 * 1024,
      requestTimeout: 0,
      keepAliveTimeout: 0,
    });
    this.#server.headersTimeout = 0;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (message, response) => this.#handle(message, response));
    this.#server.on("checkContinue", (message, response) => {
      response.writeContinue();
      this.#handle(message, response);
    });
    this.#server.on("upgrade", (message, socket, head) => this.#upgrade(message, socket, head));
  }

  /** Known once the origin listens. */
  host = "";
  url = "";

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = /** @type {AddressInfo} */ (this.#server.address());
    this.host = `127.0.0.1:${port}`;
    this.url = `http://${this.host}`;
    return this;
  }

  /** Whether the origin accepts upgrades to WebSocket. It echoes messages. */
  acceptWebSockets = true;

  /**
   * Chooses one of the subprotocols that the client offers, or `false` for none.
   *
   * @type {(offered: Set<string>) => string | false}
   */
  chooseProtocol = () => false;

  /**
   * Sets the answer to all following requests.
   *
   * @param {Handler | FixedAnswer} answer
   */
  answerWith(answer) {
    this.#answer =
      typeof answer === "function"
        ? answer
        : (received, response) => answerFixed(received, answer, response);
  }

  /** Forgets the recorded requests and how to answer, before the next test. */
  reset() {
    this.#requests.length = 0;
    this.#answer = answerOk;
    this.acceptWebSockets = true;
    this.chooseProtocol = () => false;
  }

  /** All requests since the last `take` or `expect…`. */
  get requests() {
    return [...this.#requests];
  }

  /** Returns the recorded requests and forgets them. */
  take() {
    return this.#requests.splice(0);
  }

  /** Asserts that exactly one request has arrived since the last call. Returns that request. */
  expectOne() {
    const [received, ...others] = this.take();
    assert.ok(
      received && others.length === 0,
      `the origin received ${listed(received ? [received, ...others] : [])} instead of one request`,
    );
    return received;
  }

  /**
   * Asserts that no request has arrived since the last call. A request that arrives later makes the
   * test fail at its end.
   */
  expectNone(why = "") {
    const seen = this.take();
    assert.equal(seen.length, 0, `the origin received ${listed(seen)} ${why}`);
  }

  /**
   * Takes the next request as soon as its headers have arrived.
   *
   * @returns {Promise<Received>}
   */
  async next() {
    while (true) {
      const received = this.#requests.shift();
      if (received) return received;
      const arrival = signal();
      this.#arrivals.add(arrival.resolve);
      await bounded(arrival.promise, "a request at the origin");
    }
  }

  async stop() {
    this.#webSockets.clients.forEach((client) => client.terminate());
    this.#sockets.forEach((socket) => socket.destroy());
    if (this.#server.listening) {
      this.#server.close();
      await once(this.#server, "close");
    }
  }

  /** @param {IncomingMessage} message */
  #record(message) {
    const received = new Received(message);
    this.#requests.push(received);
    this.#arrivals.forEach((resolve) => resolve());
    this.#arrivals.clear();
    return received;
  }

  /**
   * @param {IncomingMessage} message
   * @param {ServerResponse} response
   */
  async #handle(message, response) {
    const received = this.#record(message);
    response.on("error", () => {});
    try {
      await this.#answer(received, response, message);
    } catch (error) {
      response.destroy(/** @type {Error} */ (error));
    }
  }

  /**
   * @param {IncomingMessage} message
   * @param {Duplex} socket
   * @param {Buffer} head
   */
  #upgrade(message, socket, head) {
    const received = this.#record(message);
    if (!this.acceptWebSockets || message.headers.upgrade?.toLowerCase() !== "websocket") {
      socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#webSockets.handleUpgrade(message, socket, head, (client) => {
      received.upgraded(client);
      client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
      client.on("error", () => {});
    });
  }
}

export function startOrigin() {
  return new Origin().listen();
}

/**
 * Reads the whole body first. An early answer would let the runtime drop the rest of the request.
 *
 * @param {Received} received
 * @param {ServerResponse} response
 */
async function answerOk(received, response) {
  await received.body();
  response.writeHead(200, { "Content-Type": "text/plain", "X-Origin": "reached" });
  response.end("the origin answers");
}

/**
 * @param {Received} received
 * @param {FixedAnswer} answer
 * @param {ServerResponse} response
 */
async function answerFixed(received, { status = 200, headers = {}, body = "" }, response) {
  await received.body();
  response.writeHead(status, Array.isArray(headers) ? headers.flat() : headers);
  response.end(body);
}

/** @param {Received[]} seen */
function listed(seen) {
  return `[${seen.map(({ method, target }) => `${method} ${target}`).join(", ")}]`;
}
