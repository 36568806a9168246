// Row 32: requests whose ends two servers see in different places. Whatever the runtime makes of them, what reaches
// the origin is only what the gate has judged, framed once.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { bounded, policies, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

/** Sends the bytes, ends its side, and resolves with all that comes back, if anything does. */
async function answersTo({ hostname, port }, bytes) {
  const socket = connect({ host: hostname, port });
  await once(socket, "connect");
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  // A server may break the connection off while it is still being written to.
  socket.on("error", () => {});
  socket.end(Buffer.from(bytes, "latin1"));
  await bounded(once(socket, "close"), "the server to close");
  return Buffer.concat(chunks).toString("latin1");
}

const statuses = (text) =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

/** What an attacker wants to slip past the gate: a request that it would refuse. */
const smuggled = (host) =>
  `GET /admin/smuggled HTTP/1.1\r\nHost: ${host}\r\nX-Smuggled: yes\r\n\r\n`;

/** Header lines that say twice, or in an odd way, where a body ends; the body holds the other request. */
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
  "Content-Length with a bare line feed after it": ({ length }) => [
    `Content-Length: 5\nContent-Length: ${length}`,
  ],
  "a header behind a bare line feed": () => [
    "X: y\nTransfer-Encoding: chunked",
    "Content-Length: 5",
  ],
  "a header behind a NUL": () => ["X: y\0Transfer-Encoding: chunked", "Content-Length: 5"],
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
      /** Nothing that was slipped in has come through, and what has is what was asked for. */
      const assertJudged = (origin, path, why) => {
        const seen = origin.take();
        for (const request of seen) {
          assert.equal(request.target, path, why);
          assert.equal(request.header("x-smuggled"), undefined, why);
        }
        return seen.length;
      };

      for (const [name, framing] of Object.entries(FRAMINGS)) {
        test(name, async ({ gate, origin }) => {
          for (const [method, path] of [
            ["POST", "/public/a"],
            ["GET", "/public/a"],
            ["POST", "/api/a"],
          ]) {
            for (const start of ["", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"]) {
              const body = `${start}${smuggled(gate.host)}`;
              const lines = framing({ length: body.length })
                .map((line) => `${line}\r\n`)
                .join("");
              const token = path === "/api/a" ? `Authorization: Bearer ${hs256Token()}\r\n` : "";
              const head = `${method} ${path} HTTP/1.1\r\nHost: ${gate.host}\r\n${token}${lines}\r\n`;
              const text = await answersTo(gate.address, head + body);
              const why = JSON.stringify({ head, start, text: text.slice(0, 300) });
              const found = statuses(text);
              assert.ok(
                found.every((status) => status !== 500),
                why,
              );
              const count = assertJudged(origin, path, why);
              // A second request, where the runtime sees one, is judged as any other: it has no token.
              assert.ok(count <= 1, why);
              assert.ok(found.filter((status) => status === 200).length <= count, why);
            }
          }
        });
      }

      test("trailers stay out of the headers", async ({ gate, origin }) => {
        const head = `POST /public/a HTTP/1.1\r\nHost: ${gate.host}\r\nConnection: close\r\nTrailer: X-Auth-Subject\r\nTransfer-Encoding: chunked\r\n\r\n`;
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
