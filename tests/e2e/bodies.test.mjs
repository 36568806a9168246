// Bodies are streamed both ways: nothing is held back, nothing is changed. Shown by what must have happened before
// what, never by a clock.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, signal, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const MEBIBYTE = 1024 * 1024;

/** A megabyte that differs from every other one. */
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
      /** Opens a request whose body the test writes itself. */
      const open = (gate, { headers, path = "/api/upload", method = "POST" }) =>
        httpRequest(`${gate.url}${path}`, {
          method,
          headers: { Authorization: `Bearer ${hs256Token()}`, ...headers },
        });

      const write = async (outgoing, bytes) => {
        if (!outgoing.write(bytes)) await once(outgoing, "drain");
      };

      for (const framing of ["Content-Length", "chunked"]) {
        test(`100 MiB posted (${framing}) arrive byte for byte, the first before the last has been sent`, async ({
          gate,
          origin,
        }) => {
          const count = 100;
          const headers =
            framing === "chunked"
              ? { "Transfer-Encoding": "chunked" }
              : { "Content-Length": count * MEBIBYTE };
          const hash = createHash("sha256");
          const outgoing = open(gate, {
            headers: { ...headers, "Content-Type": "application/octet-stream" },
          });
          const answered = once(outgoing, "response");
          answered.catch(() => {});
          for (let i = 0; i < count; i += 1) {
            const bytes = piece(i);
            hash.update(bytes);
            await write(outgoing, bytes);
            if (i !== 2) continue;
            // The rest is sent only once the origin has some: who buffers the whole waits for ever.
            const seen = await origin.next();
            await seen.bodyBegun();
            assert.equal(seen.target, "/api/upload");
            assert.equal(seen.header("x-auth-subject"), "user-1");
            assert.equal(seen.header("content-type"), "application/octet-stream");
            if (framing === "Content-Length")
              assert.equal(seen.header("content-length"), String(count * MEBIBYTE));
            outgoing.received = seen;
          }
          outgoing.end();
          const [response] = await bounded(answered, "the answer to an upload", { limit: 100_000 });
          response.resume();
          const body = await outgoing.received.body();
          assert.equal(body.length, count * MEBIBYTE);
          assert.equal(body.sha256, hash.digest("hex"));
          assert.equal(response.statusCode, 200);
        });
      }

      test("a refused upload reaches nothing", async ({ gate, origin }) => {
        const response = await gate.fetch("/api/upload", {
          method: "POST",
          body: Buffer.alloc(MEBIBYTE),
        });
        assert.equal(response.status, 401);
        origin.expectNone();
      });

      test("an answer is handed on while the origin still writes it", async ({ gate, origin }) => {
        const goOn = signal();
        origin.answerWith(async (received, response) => {
          response.writeHead(200, { "Content-Type": "application/octet-stream" });
          response.write("first");
          await goOn.promise;
          response.end("second");
        });
        const response = await gate.fetchWith(hs256Token(), "/api/stream");
        const reader = response.body.getReader();
        const first = await bounded(reader.read(), "the first piece of an answer");
        assert.equal(Buffer.from(first.value).toString(), "first");
        goOn.resolve();
        let rest = "";
        for (let part = await reader.read(); !part.done; part = await reader.read())
          rest += Buffer.from(part.value).toString();
        assert.equal(rest, "second");
        origin.expectOne();
      });

      test("WHATWG HTML section 9.2: server-sent events arrive one by one", async ({
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
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (const [i, event] of events.entries()) {
          event.resolve();
          const { value } = await bounded(reader.read(), `event ${i}`);
          assert.equal(value, `id: ${i}\ndata: event ${i}\n\n`);
        }
        assert.equal((await reader.read()).done, true);
        assert.equal(origin.expectOne().header("accept"), "text/event-stream");
      });

      test("a large answer arrives byte for byte", async ({ gate, origin }) => {
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
        const got = createHash("sha256");
        for await (const chunk of response.body) got.update(chunk);
        assert.equal(got.digest("hex"), sent.digest("hex"));
        origin.expectOne();
      });

      test("RFC 9110 section 9.3.1: the body of a GET goes along", async ({ gate, origin }) => {
        const headers = [
          ["Authorization", `Bearer ${hs256Token()}`],
          ["Content-Type", "text/plain"],
        ];
        const response = await gate.raw({
          method: "GET",
          target: "/api/search",
          headers,
          body: "what I look for",
        });
        const seen = await assertAdmitted(response, origin);
        assert.equal(seen.method, "GET");
        assert.equal((await seen.body()).text, "what I look for");
      });

      test("the body of every other method too, empty ones included", async ({ gate, origin }) => {
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
