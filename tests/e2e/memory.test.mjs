// Bodies are streamed and never buffered: the runtime's memory does not grow while a gigabyte is
// downloaded or uploaded.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, resident, withGate } from "./harness/index.mjs";

/** @import { TestContext } from "node:test" */

const { hs256, hs256Token, SECRET } = policies;

const MEBIBYTE = 1024 * 1024;
const COUNT = 1024;
const PIECE = Buffer.alloc(MEBIBYTE, "a piece of a large body, ");

/** Far less than the size of a body, and more than the runtime's own fluctuation. */
const GROWTH = 200 * MEBIBYTE;

withGate(
  "a body of a gigabyte",
  ({ origin }) => ({ runtime: "workerd", policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    /**
     * Measured once, before the first large body. Memory that one test makes the runtime allocate
     * would hide the growth in the next test.
     *
     * @type {number | undefined}
     */
    let before;

    const measured = (/** @type {TestContext} */ t) => {
      before ??= resident();
      let most = before ?? 0;
      return {
        look: () => {
          if (before !== undefined) most = Math.max(most, resident() ?? 0);
        },
        check: () => {
          if (before === undefined) return;
          const [first, highest] = [before, most].map((bytes) => Math.round(bytes / MEBIBYTE));
          t.diagnostic(`workerd: ${first} MiB before, ${highest} at most`);
          assert.ok(
            most - before < GROWTH,
            `workerd grew by ${Math.round((most - before) / MEBIBYTE)} MiB`,
          );
        },
      };
    };

    test("is not buffered during a download", async ({ gate, origin, t }) => {
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/warm"), origin);
      const memory = measured(t);
      origin.answerWith(async (received, response) => {
        response.writeHead(200, {
          "Content-Type": "application/octet-stream",
          "Content-Length": COUNT * MEBIBYTE,
        });
        for (let i = 0; i < COUNT; i += 1)
          if (!response.write(PIECE)) await once(response, "drain");
        response.end();
      });
      const outgoing = httpRequest(`${gate.url}/api/large`, {
        headers: { Authorization: `Bearer ${hs256Token()}` },
      });
      outgoing.end();
      const [response] = await bounded(once(outgoing, "response"), "an answer");
      assert.equal(response.statusCode, 200);
      let length = 0;
      let looked = 0;
      for await (const chunk of response) {
        length += chunk.length;
        if (length - looked < 16 * MEBIBYTE) continue;
        looked = length;
        memory.look();
      }
      assert.equal(length, COUNT * MEBIBYTE);
      memory.check();
      origin.expectOne();
    });

    test("is not buffered during an upload", async ({ gate, origin, t }) => {
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/warm"), origin);
      const memory = measured(t);
      const outgoing = httpRequest(`${gate.url}/api/upload`, {
        method: "POST",
        headers: { Authorization: `Bearer ${hs256Token()}`, "Content-Length": COUNT * MEBIBYTE },
      });
      const answered = once(outgoing, "response");
      answered.catch(() => {});
      for (let i = 0; i < COUNT; i += 1) {
        if (!outgoing.write(PIECE)) await once(outgoing, "drain");
        if (i % 16 === 0) memory.look();
      }
      outgoing.end();
      const [response] = await bounded(answered, "the answer to an upload", { limit: 100_000 });
      response.resume();
      assert.equal(response.statusCode, 200);
      assert.equal((await origin.expectOne().body()).length, COUNT * MEBIBYTE);
      memory.check();
    });
  },
);
