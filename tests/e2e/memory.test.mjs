// What passes through is never held: a gigabyte either way leaves the runtime's memory as it was.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const MEBIBYTE = 1024 * 1024;
const COUNT = 1024;
const PIECE = Buffer.alloc(MEBIBYTE, "a piece of a large body, ");

/** Far less than what passes, and more than what the runtime takes for itself at any time. */
const GROWTH = 200 * MEBIBYTE;

/** The resident memory of the workerd processes that this test has started, or nothing where /proc is not. */
function resident() {
  if (!existsSync("/proc/self/status")) return undefined;
  const status = (id) => {
    try {
      return readFileSync(`/proc/${id}/status`, "utf8");
    } catch {
      return ""; // It has ended meanwhile.
    }
  };
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const own = ids
    .map(status)
    .filter((text) => new RegExp(`^PPid:\\s+${process.pid}$`, "m").test(text));
  const workerds = own.filter((text) => /^Name:\s+workerd$/m.test(text));
  assert.ok(workerds.length > 0, "no workerd is a child of this process");
  return workerds.reduce(
    (sum, text) => sum + 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0),
    0,
  );
}

withGate(
  "a gigabyte",
  ({ origin }) => ({ runtime: "workerd", policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    // Before anything large has passed: what one test makes it take, the next would not see it take.
    let before;

    const measured = (t) => {
      before ??= resident();
      let most = before;
      return {
        look: () => {
          if (before !== undefined) most = Math.max(most, resident());
        },
        check: () => {
          if (before === undefined) return;
          t.diagnostic(
            `workerd: ${Math.round(before / MEBIBYTE)} MiB before, ${Math.round(most / MEBIBYTE)} at most`,
          );
          assert.ok(
            most - before < GROWTH,
            `workerd grew by ${Math.round((most - before) / MEBIBYTE)} MiB`,
          );
        },
      };
    };

    test("downloaded is not held", async ({ gate, origin, t }) => {
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

    test("uploaded is not held", async ({ gate, origin, t }) => {
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
