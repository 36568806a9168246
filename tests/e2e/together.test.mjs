// Concurrent requests in one isolate. Each gets its own verdict and identity, and a client that
// disconnects does not affect the others.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { assertAdmitted, bounded, policies, signal, tokens, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `concurrent requests in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      test("each is forwarded with its own identity", async ({ gate, origin }) => {
        // The origin answers none of them before the last one has arrived, so that they overlap.
        const count = 60;
        const all = signal();
        let arrived = 0;
        origin.answerWith(async (received, response) => {
          arrived += 1;
          if (arrived === count) all.resolve();
          await all.promise;
          const identity = ["x-auth-subject", "x-auth-scope"].map((name) => received.header(name));
          response.end([received.target, ...identity].join(" "));
        });
        const one = async (/** @type {number} */ i) => {
          const token = hs256Token({ sub: `user-${i}`, scope: `scope-${i}` });
          const response = await gate.fetchWith(token, `/api/${i}`);
          assert.equal(await response.text(), `/api/${i} user-${i} scope-${i}`);
        };
        await Promise.all([...Array(count).keys()].map(one));
        assert.equal(origin.take().length, count);
      });

      test("each gets the response to its own token and path", async ({ gate, origin }) => {
        /** @type {[status: number, send: () => Promise<Response>][]} */
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
          // Ten of each kind.
          [...Array(10).keys()]
            .flatMap(() => kinds)
            .map(async ([expected, send]) => {
              const response = await send();
              await response.text();
              return [expected, response.status];
            }),
        );
        for (const [expected, status] of seen) assert.equal(status, expected);
        assert.equal(origin.take().length, 20);
      });

      test("a client that disconnects during a transfer does not affect others", async ({
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

        // The runtime notices that a client has disconnected when it sends something to the client.
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
        await bounded(gone.promise, "the origin to learn that the client has disconnected");
        origin.reset();
        await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
      });
    },
  );
}
