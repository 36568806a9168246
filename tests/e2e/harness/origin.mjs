// An HTTP origin on a real socket that records every request as it arrives and answers as told.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { bounded, signal } from "./waiting.mjs";

const KEPT_BODY = 256 * 1024;

/** One request as the origin received it. */
class Received {
  #pairs;
  #kept = [];
  #keptLength = 0;
  #hash = createHash("sha256");
  #begun = signal();
  #ended = signal();

  constructor(message) {
    this.method = message.method;
    this.target = message.url;
    this.version = message.httpVersion;
    this.bodyLength = 0;
    const raw = message.rawHeaders;
    // Node reads header bytes as Latin-1; they are kept so, byte for byte.
    this.#pairs = raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]]] : []));
    message.on("data", (chunk) => this.#take(chunk));
    message.on("end", () => this.#finish());
    message.on("error", (error) => this.#ended.reject(error));
    message.on("close", () => this.#ended.reject(new Error("the request was cut off")));
  }

  /** Every header line, in order, names as they were spelt. */
  get headerLines() {
    return this.#pairs.map(([name, value]) => [name, value]);
  }

  /** Every value of one header, in order; the name in any case. */
  values(name) {
    const wanted = name.toLowerCase();
    return this.#pairs.flatMap(([key, value]) => (key.toLowerCase() === wanted ? [value] : []));
  }

  /** The value of a header that must not be there twice; undefined if it is absent. */
  header(name) {
    const values = this.values(name);
    assert.ok(values.length <= 1, `the origin received ${name} ${values.length} times`);
    return values[0];
  }

  /** Resolves when the first byte of the body has arrived. */
  bodyBegun() {
    return bounded(this.#begun.promise, "the first byte of a body at the origin");
  }

  /** Resolves with { length, sha256, text } when the whole body has arrived; `text` only of a small one. */
  body({ limit = 100_000 } = {}) {
    return bounded(this.#ended.promise, "the end of a body at the origin", { limit });
  }

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
    const small = this.bodyLength <= KEPT_BODY;
    this.#ended.resolve({
      length: this.bodyLength,
      sha256: this.#hash.digest("hex"),
      text: small ? Buffer.concat(this.#kept).toString("utf8") : undefined,
    });
  }
}

class Origin {
  #server;
  #sockets = new Set();
  #webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => this.chooseProtocol(offered),
  });
  #requests = [];
  #arrivals = new Set();
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

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address();
    this.host = `127.0.0.1:${port}`;
    this.url = `http://${this.host}`;
    return this;
  }

  /** Whether an upgrade to WebSocket is taken; messages are echoed. */
  acceptWebSockets = true;

  /** Which subprotocol to choose of a Set of offered ones; `false` for none. */
  chooseProtocol = () => false;

  /** Sets the answer: a function (received, response, message), or { status, headers, body }. */
  answerWith(answer) {
    this.#answer =
      typeof answer === "function"
        ? answer
        : (received, response) => answerFixed(received, answer, response);
  }

  /** Forgets what came and how to answer: the next test starts anew. */
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

  /** Hands out what has been recorded so far and forgets it. */
  take() {
    return this.#requests.splice(0);
  }

  /** The one request that has arrived since; anything else fails. */
  expectOne() {
    const seen = this.take();
    assert.equal(seen.length, 1, `the origin received ${listed(seen)} instead of one request`);
    return seen[0];
  }

  /** Nothing has arrived since. What arrives after this is still found when the test ends. */
  expectNone(why = "") {
    const seen = this.take();
    assert.equal(seen.length, 0, `the origin received ${listed(seen)} ${why}`);
  }

  /** Resolves with the next request that has not been taken, as soon as its headers are here. */
  async next() {
    while (this.#requests.length === 0) {
      const arrival = signal();
      this.#arrivals.add(arrival.resolve);
      await bounded(arrival.promise, "a request at the origin");
    }
    return this.#requests.shift();
  }

  async stop() {
    this.#webSockets.clients.forEach((client) => client.terminate());
    this.#sockets.forEach((socket) => socket.destroy());
    if (this.#server.listening) {
      this.#server.close();
      await once(this.#server, "close");
    }
  }

  #record(message) {
    const received = new Received(message);
    this.#requests.push(received);
    this.#arrivals.forEach((resolve) => resolve());
    this.#arrivals.clear();
    return received;
  }

  async #handle(message, response) {
    const received = this.#record(message);
    response.on("error", () => {});
    try {
      await this.#answer(received, response, message);
    } catch (error) {
      response.destroy(error);
    }
  }

  #upgrade(message, socket, head) {
    const received = this.#record(message);
    if (!this.acceptWebSockets || message.headers.upgrade?.toLowerCase() !== "websocket") {
      socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#webSockets.handleUpgrade(message, socket, head, (client) => {
      received.webSocket = client;
      client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
      client.on("error", () => {});
    });
  }
}

export function startOrigin() {
  return new Origin().listen();
}

// Reads the whole body first: an answer that comes early lets the runtime drop the rest of the request.
async function answerOk(received, response) {
  await received.body();
  response.writeHead(200, { "Content-Type": "text/plain", "X-Origin": "reached" });
  response.end("the origin answers");
}

async function answerFixed(received, { status = 200, headers = {}, body = "" }, response) {
  await received.body();
  response.writeHead(status, Array.isArray(headers) ? headers.flat() : headers);
  response.end(body);
}

function listed(seen) {
  return `[${seen.map(({ method, target }) => `${method} ${target}`).join(", ")}]`;
}
