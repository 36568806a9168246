// Many requests in one isolate at once: each gets its own verdict and goes in its own name, and those that break off
// harm nobody.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, signal, tokens, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `requests together in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      test("each goes in its own name", async ({ gate, origin }) => {
        // All are held at the origin until the last one has come, so that they do overlap.
        const count = 60;
        const all = signal();
        let arrived = 0;
        origin.answerWith(async (received, response) => {
          arrived += 1;
          if (arrived === count) all.resolve();
          await all.promise;
          response.end(
            `${received.target} ${received.header("x-auth-subject")} ${received.header("x-auth-scope")}`,
          );
        });
        const one = async (i) => {
          const token = hs256Token({ sub: `user-${i}`, scope: `scope-${i}` });
          const response = await gate.fetchWith(token, `/api/${i}`);
          assert.equal(await response.text(), `/api/${i} user-${i} scope-${i}`);
        };
        await Promise.all([...Array(count).keys()].map(one));
        assert.equal(origin.take().length, count);
      });

      test("refused ones do not disturb admitted ones", async ({ gate, origin }) => {
        const kinds = [
          [200, () => gate.fetchWith(hs256Token(), "/api/a")],
          [401, () => gate.fetch("/api/a")],
          [401, () => gate.fetchWith(tokens.withChangedCharacter(hs256Token(), 60), "/api/a")],
          [403, () => gate.fetchWith(hs256Token(), "/admin/a")],
          [404, () => gate.fetch("/unknown")],
          [200, () => gate.fetch("/public/a")],
          [400, () => gate.fetchWith("a".repeat(17_000), "/api/a")],
          [405, () => gate.fetch("/read-only/a", { method: "POST", body: "x" })],
        ];
        const seen = await Promise.all(
          [...Array(80).keys()].map(async (i) => {
            const [expected, send] = kinds[i % kinds.length];
            const response = await send();
            await response.text();
            return [expected, response.status];
          }),
        );
        for (const [expected, status] of seen) assert.equal(status, expected);
        assert.equal(origin.take().length, 20);
      });

      test("a client that goes away in the middle of its upload or download harms nobody", async ({
        gate,
        origin,
      }) => {
        const headers = { Authorization: `Bearer ${hs256Token()}`, "Content-Length": 1_000_000 };
        const upload = httpRequest(`${gate.url}/api/upload`, { method: "POST", headers });
        upload.on("error", () => {});
        upload.write("the beginning");
        const seen = await origin.next();
        await seen.bodyBegun();
        upload.destroy();
        await assert.rejects(seen.body(), /cut off|aborted/);

        // The runtime notices that a client has gone when it has something for it.
        const gone = signal();
        origin.answerWith(async (received, response) => {
          response.on("close", gone.resolve);
          while (!response.destroyed) {
            if (!response.write(Buffer.alloc(65_536)))
              await Promise.race([once(response, "drain"), gone.promise]);
          }
        });
        const download = httpRequest(`${gate.url}/api/download`, {
          headers: { Authorization: headers.Authorization },
        });
        download.on("error", () => {});
        download.end();
        const [response] = await once(download, "response");
        await once(response, "data");
        download.destroy();
        await bounded(gone.promise, "the origin to learn that the client has gone");
        origin.reset();
        await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
      });
    },
  );
}
