// Request smuggling: requests whose end two servers may see in different places. However the
// runtime parses them, only requests that the gate has evaluated reach the origin.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { bounded, policies, withGate } from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */

const { hs256, hs256Token, SECRET } = policies;

/**
 * Sends bytes, closes the sending side, and resolves with everything that the server sends.
 *
 * @param {{hostname: string, port: number}} address
 * @param {string} bytes in Latin-1
 */
async function answersTo({ hostname, port }, bytes) {
  const socket = connect({ host: hostname, port });
  await once(socket, "connect");
  /** @type {Buffer[]} */
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // The server may reset the connection before everything is written.
  socket.on("error", () => {});
  socket.end(Buffer.from(bytes, "latin1"));
  await bounded(once(socket, "close"), "the server to close");
  return Buffer.concat(chunks).toString("latin1");
}

/** @param {string} text */
const statuses = (text) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

/**
 * A request that the gate would refuse, which an attacker hides in the body of another.
 *
 * @param {string} host
 */
const smuggled = (host) =>
  `GET /admin/smuggled HTTP/1.1\r\nHost: ${host}\r\nX-Smuggled: yes\r\n\r\n`;

/**
 * Contradictory or malformed header lines that determine where a body ends. `length` is the length
 * of the whole body, which contains the other request.
 *
 * @type {Record<string, (body: {length: number}) => string[]>}
 */
const FRAMINGS = {
  "Content-Length and Transfer-Encoding": ({ length }) => [
    `Content-Length: ${length}`,
    "Transfer-Encoding: chunked",
  ],
  "Transfer-Encoding and Content-Length": ({ length }) => [
    "Transfer-Encoding: chunked",
    `Content-Length: ${length}`,
  ],
  "Transfer-Encoding: xchunked": ({ length }) => [
    `Content-Length: ${length}`,
    "Transfer-Encoding: xchunked",
  ],
  "Transfer-Encoding : chunked": ({ length }) => [
    `Content-Length: ${length}`,
    "Transfer-Encoding : chunked",
  ],
  "Transfer-Encoding twice": () => ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
  "Transfer-Encoding: chunked, identity": () => ["Transfer-Encoding: chunked, identity"],
  "Transfer-Encoding on a folded line": ({ length }) => [
    `Content-Length: ${length}`,
    "X: y\r\n Transfer-Encoding: chunked",
  ],
  "Content-Length twice, differing": ({ length }) => [
    "Content-Length: 5",
    `Content-Length: ${length}`,
  ],
  "Content-Length: 5, 6": () => ["Content-Length: 5, 6"],
  "Content-Length: +5": () => ["Content-Length: +5"],
  "Content-Length: -1": () => ["Content-Length: -1"],
  "Content-Length: 0x5": () => ["Content-Length: 0x5"],
  "Content-Length twice, separated by a bare line feed": ({ length }) => [
    `Content-Length: 5\nContent-Length: ${length}`,
  ],
  "a header after a bare line feed": () => [
    "X: y\nTransfer-Encoding: chunked",
    "Content-Length: 5",
  ],
  "a header after a NUL": () => ["X: y\0Transfer-Encoding: chunked", "Content-Length: 5"],
  "an upgrade to h2c": () => [
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Content-Length: 5",
  ],
};

for (const runtime of ["workerd", "miniflare"]) {
  withGate(
    `attack 32: framing in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      /**
       * Asserts that the hidden request has not reached the origin. Returns how many others have.
       *
       * @param {Origin} origin
       * @param {string} path
       * @param {string} why
       */
      const assertNotSmuggled = (origin, path, why) => {
        const seen = origin.take();
        for (const request of seen) {
          assert.equal(request.target, path, why);
          assert.equal(request.header("x-smuggled"), undefined, why);
        }
        return seen.length;
      };

      for (const [name, framing] of Object.entries(FRAMINGS)) {
        test(`smuggles no request: ${name}`, async ({ gate, origin }) => {
          for (const [method, path] of /** @type {const} */ ([
            ["POST", "/public/a"],
            ["GET", "/public/a"],
            ["POST", "/api/a"],
          ])) {
            for (const start of ["", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"]) {
              const body = `${start}${smuggled(gate.host)}`;
              const lines = framing({ length: body.length })
                .map((line) => `${line}\r\n`)
                .join("");
              const token = path === "/api/a" ? `Authorization: Bearer ${hs256Token()}\r\n` : "";
              const firstLines = `${method} ${path} HTTP/1.1\r\nHost: ${gate.host}\r\n`;
              const head = `${firstLines}${token}${lines}\r\n`;
              const text = await answersTo(gate.address, head + body);
              const why = JSON.stringify({ head, start, text: text.slice(0, 300) });
              const found = statuses(text);
              assert.ok(
                found.every((status) => status !== 500),
                why,
              );
              const count = assertNotSmuggled(origin, path, why);
              // A second request, if the runtime sees one, is refused, because it has no token.
              assert.ok(count <= 1, why);
              assert.ok(found.filter((status) => status === 200).length <= count, why);
            }
          }
        });
      }

      test("trailers are not forwarded as headers", async ({ gate, origin }) => {
        const head = [
          "POST /public/a HTTP/1.1",
          `Host: ${gate.host}`,
          "Connection: close",
          "Trailer: X-Auth-Subject",
          "Transfer-Encoding: chunked",
          "\r\n",
        ].join("\r\n");
        const text = await answersTo(
          gate.address,
          `${head}5\r\nhello\r\n0\r\nX-Auth-Subject: admin\r\n\r\n`,
        );
        assert.deepEqual(statuses(text), [200], text);
        const received = origin.expectOne();
        assert.equal(received.header("x-auth-subject"), undefined);
      });
    },
  );
}
