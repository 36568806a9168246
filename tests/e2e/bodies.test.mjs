// Request and response bodies are streamed and forwarded unchanged. The tests check the order of
// events and do not measure time.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, signal, withGate } from "./harness/index.mjs";

/** @import { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http" */
/** @import { Received } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const MEBIBYTE = 1024 * 1024;

/**
 * Returns a mebibyte that is different for each index.
 *
 * @param {number} index
 */
function piece(index) {
  const bytes = Buffer.alloc(MEBIBYTE, `piece ${index} of the body, `);
  bytes.writeUInt32BE(index, 0);
  return bytes;
}

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `bodies in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      /**
       * Opens an upload whose body the test writes.
       *
       * @param {Running} gate
       * @param {OutgoingHttpHeaders} headers
       */
      const open = (gate, headers) =>
        httpRequest(`${gate.url}/api/upload`, {
          method: "POST",
          headers: { Authorization: `Bearer ${hs256Token()}`, ...headers },
        });

      /**
       * @param {ClientRequest} outgoing
       * @param {Buffer} bytes
       */
      const write = async (outgoing, bytes) => {
        if (!outgoing.write(bytes)) await once(outgoing, "drain");
      };

      for (const framing of ["Content-Length", "chunked"]) {
        test(`an upload of 100 MiB (${framing}) is streamed to the origin unchanged`, async ({
          gate,
          origin,
        }) => {
          const count = 100;
          const headers =
            framing === "chunked"
              ? { "Transfer-Encoding": "chunked" }
              : { "Content-Length": count * MEBIBYTE };
          const hash = createHash("sha256");
          const outgoing = open(gate, { ...headers, "Content-Type": "application/octet-stream" });
          /** @type {Received | undefined} */
          let received;
          const answered = once(outgoing, "response");
          answered.catch(() => {});
          for (let i = 0; i < count; i += 1) {
            const bytes = piece(i);
            hash.update(bytes);
            await write(outgoing, bytes);
            if (i !== 2) continue;
            // The rest is sent only when the origin has received the beginning. A gate that
            // buffered the whole body would wait forever.
            received = await origin.next();
            await received.bodyBegun();
            assert.equal(received.target, "/api/upload");
            assert.equal(received.header("x-auth-subject"), "user-1");
            assert.equal(received.header("content-type"), "application/octet-stream");
            if (framing === "Content-Length")
              assert.equal(received.header("content-length"), String(count * MEBIBYTE));
          }
          outgoing.end();
          const [response] = /** @type {[IncomingMessage]} */ (
            await bounded(answered, "the response to an upload", { limit: 100_000 })
          );
          response.resume();
          assert.ok(received);
          const body = await received.body();
          assert.equal(body.length, count * MEBIBYTE);
          assert.equal(body.sha256, hash.digest("hex"));
          assert.equal(response.statusCode, 200);
        });
      }

      test("a refused upload does not reach the origin", async ({ gate, origin }) => {
        const response = await gate.fetch("/api/upload", {
          method: "POST",
          body: Buffer.alloc(MEBIBYTE),
        });
        assert.equal(response.status, 401);
        origin.expectNone();
      });

      test("a response is forwarded while the origin is still writing it", async ({
        gate,
        origin,
      }) => {
        const firstArrived = signal();
        origin.answerWith(async (received, response) => {
          response.writeHead(200, { "Content-Type": "application/octet-stream" });
          response.write("first");
          await firstArrived.promise;
          response.end("second");
        });
        const response = await gate.fetchWith(hs256Token(), "/api/stream");
        assert.ok(response.body);
        const reader = response.body.getReader();
        const first = await bounded(reader.read(), "the first piece of a response");
        assert.equal(Buffer.from(first.value ?? "").toString(), "first");
        firstArrived.resolve();
        let rest = "";
        for (let part = await reader.read(); !part.done; part = await reader.read())
          rest += Buffer.from(part.value).toString();
        assert.equal(rest, "second");
        origin.expectOne();
      });

      test("WHATWG HTML section 9.2: each server-sent event is forwarded immediately", async ({
        gate,
        origin,
      }) => {
        const events = [signal(), signal(), signal()];
        origin.answerWith(async (received, response) => {
          response.writeHead(200, {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
          });
          response.flushHeaders();
          for (const [i, event] of events.entries()) {
            await event.promise;
            response.write(`id: ${i}\ndata: event ${i}\n\n`);
          }
          response.end();
        });
        const response = await gate.fetchWith(hs256Token(), "/api/events", {
          headers: { Accept: "text/event-stream" },
        });
        assert.equal(response.headers.get("content-type"), "text/event-stream");
        assert.ok(response.body);
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (const [i, event] of events.entries()) {
          event.resolve();
          const { value } = await bounded(reader.read(), `event ${i}`);
          assert.equal(value, `id: ${i}\ndata: event ${i}\n\n`);
        }
        assert.equal((await reader.read()).done, true);
        assert.equal(origin.expectOne().header("accept"), "text/event-stream");
      });

      test("a large response is forwarded unchanged", async ({ gate, origin }) => {
        const sent = createHash("sha256");
        origin.answerWith(async (received, response) => {
          response.writeHead(200, {
            "Content-Type": "application/octet-stream",
            "Content-Length": 32 * MEBIBYTE,
          });
          for (let i = 0; i < 32; i += 1) {
            const bytes = piece(i);
            sent.update(bytes);
            if (!response.write(bytes)) await once(response, "drain");
          }
          response.end();
        });
        const response = await gate.fetchWith(hs256Token(), "/api/large");
        assert.equal(response.headers.get("content-length"), String(32 * MEBIBYTE));
        assert.ok(response.body);
        const got = createHash("sha256");
        for await (const chunk of response.body) got.update(chunk);
        assert.equal(got.digest("hex"), sent.digest("hex"));
        origin.expectOne();
      });

      test("RFC 9110 section 9.3.1: the body of a GET request is forwarded", async ({
        gate,
        origin,
      }) => {
        const headers = [
          ["Authorization", `Bearer ${hs256Token()}`],
          ["Content-Type", "text/plain"],
        ];
        const response = await gate.raw({
          method: "GET",
          target: "/api/search",
          headers,
          body: "search terms",
        });
        const seen = await assertAdmitted(response, origin);
        assert.equal(seen.method, "GET");
        assert.equal((await seen.body()).text, "search terms");
      });

      test("the bodies of all other methods are forwarded, including empty ones", async ({
        gate,
        origin,
      }) => {
        for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
          for (const body of ["", "a body"]) {
            const headers = [["Authorization", `Bearer ${hs256Token()}`]];
            const seen = await assertAdmitted(
              await gate.raw({ method, target: "/api/a", headers, body }),
              origin,
              method,
            );
            assert.equal((await seen.body()).text, body);
          }
        }
      });
    },
  );
}
