// The load: a fixed number of requests over connections that stay open, each sent when the one before it was
// answered. It ends when they are answered, and fails at the first answer that is not the one expected, or when
// nothing comes for a while.

import net from "node:net";

const SILENCE_MILLISECONDS = 20_000;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** The bytes of a request with this token. */
export function request(token) {
  return Buffer.from(
    "GET /api/items/17?page=2 HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\n" +
      "Accept-Encoding: gzip, br\r\nUser-Agent: bench/1.0\r\nCF-Connecting-IP: 203.0.113.7\r\n" +
      `Authorization: Bearer ${token}\r\n\r\n`,
  );
}

/** Connections to one gateway, kept open between rounds. */
export class Load {
  #port;
  #sockets = [];

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
   * Sends every request once. Returns the seconds that it took, this process's own seconds of processor time in
   * them, and each answer's latency in microseconds.
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

async function connected(port) {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/** One connection's share: the next request as soon as the last one's answer is whole. */
function exchange(socket, take, requests, expected, latencies) {
  return new Promise((resolve, reject) => {
    let index;
    let sent;
    let pending = Buffer.alloc(0);
    const finish = (settle, value) => {
      socket.setTimeout(0);
      for (const event of ["data", "error", "close", "timeout"]) socket.removeAllListeners(event);
      settle(value);
    };
    const send = () => {
      index = take();
      if (index === undefined) return finish(resolve);
      sent = performance.now();
      socket.write(requests[index]);
    };
    socket.setTimeout(SILENCE_MILLISECONDS);
    socket.on("timeout", () => finish(reject, new Error("no answer")));
    socket.on("error", (error) => finish(reject, error));
    socket.on("close", () => finish(reject, new Error("the connection was closed")));
    socket.on("data", (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const length = answerLength(pending);
      if (length === undefined || pending.length < length) return;
      if (
        pending.length > length ||
        !pending.subarray(0, expected.length).equals(Buffer.from(expected))
      ) {
        return finish(reject, new Error(`expected ${expected}, got ${pending.toString("latin1")}`));
      }
      pending = Buffer.alloc(0);
      latencies[index] = (performance.now() - sent) * 1000;
      send();
    });
    send();
  });
}

/** The bytes of the answer that begins here, once its head is there. */
function answerLength(bytes) {
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
