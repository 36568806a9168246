// What an operator is told: a line and a data point a decision, how long clients waited, health.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  gateTest,
  INVALID,
  policies,
} from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

/** A dataset that shows its points in the log. */
const dataset = {
  name: "dataset",
  modules: true,
  compatibilityDate: "2026-10-01",
  script: `
    import { WorkerEntrypoint } from "cloudflare:workers";
    export class Dataset extends WorkerEntrypoint {
      writeDataPoint(point) { console.log(JSON.stringify({ event: "point", ...point })); }
    }
    export default { fetch() { return new Response(); } };`,
};

gateTest(
  "every decision is a data point, whatever is logged",
  ({ origin }) => ({
    policy: hs256({ origin, log: { decisions: "none", analytics: "DECISIONS" } }),
    secrets: { SECRET },
    services: { DECISIONS: { name: "dataset", entrypoint: "Dataset" } },
    workers: [dataset],
  }),
  async ({ gate, origin }) => {
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/secret-path?q=canary"), origin);
    await assertAdmitted(await gate.fetch("/public/a"), origin);
    await assertRefused(await gate.fetchWith(hs256Token({ aud: "other" }), "/api/a"), 401, INVALID);
    await assertProblem(await gate.fetch("/unknown"), 404);
    const written = await gate.logs.waitFor(
      (book) => book.structured.length === 4 && book.structured,
    );
    assert.deepEqual(
      written.map(({ indexes, blobs, doubles }) => [indexes, blobs, doubles[0]]),
      [
        [["/api/*"], ["admitted", "", "/api/*", "issuer", "HS256", "secret", "GET", "miss"], 200],
        [["/public/*"], ["admitted", "", "/public/*", "", "", "", "GET", ""], 200],
        [
          ["/api/*"],
          ["refused", "wrong_audience", "/api/*", "issuer", "HS256", "secret", "GET", "miss"],
          401,
        ],
        [[""], ["refused", "no_route", "", "", "", "", "GET", ""], 404],
      ],
    );
    for (const { event, doubles } of written) {
      assert.equal(event, "point");
      assert.ok(Number.isInteger(doubles[1]) && doubles[1] >= 0);
    }
  },
);

gateTest(
  "a line says how long the request waited",
  ({ origin }) => ({
    policy: hs256({ origin, log: { decisions: "all" } }),
    secrets: { SECRET },
    clock: true,
  }),
  async ({ gate, origin }) => {
    origin.answerWith(async (received, response) => {
      // To the gate, the origin takes seven seconds.
      await gate.moveClock(7);
      response.end("late");
    });
    assert.equal((await gate.fetchWith(hs256Token(), "/api/a")).status, 200);
    origin.expectOne();
    const [line] = await gate.logs.waitFor((book) => book.structured.length > 0 && book.structured);
    assert.ok(line.waited_ms >= 7000, `waited_ms is ${line.waited_ms}`);
  },
);

gateTest(
  "Server-Timing where the policy asks for it, and nothing else is changed",
  ({ origin }) => ({
    policy: hs256({ origin, log: { server_timing: true } }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    const timing = /^gate;dur=\d+, origin;dur=\d+$/;
    origin.answerWith({
      status: 418,
      headers: { "X-Own": "kept", ETag: '"a"' },
      body: "short and stout",
    });
    const response = await gate.fetchWith(hs256Token(), "/api/a");
    assert.equal(response.status, 418);
    assert.match(response.headers.get("server-timing"), timing);
    assert.deepEqual(
      [response.headers.get("x-own"), response.headers.get("etag")],
      ["kept", '"a"'],
    );
    assert.equal(await response.text(), "short and stout");
    origin.expectOne();
    origin.answerWith({ status: 304, headers: { "Server-Timing": "db;dur=5" } });
    const unchanged = await gate.fetch("/public/a");
    assert.equal(unchanged.status, 304);
    assert.match(
      unchanged.headers.get("server-timing"),
      /^db;dur=5, gate;dur=\d+, origin;dur=\d+$/,
    );
    origin.expectOne();
    const refused = await gate.fetch("/api/a");
    assert.match(refused.headers.get("server-timing"), timing);
    await assertRefused(refused, 401);
  },
);

gateTest(
  "without the policy's leave there is no Server-Timing",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  async ({ gate, origin }) => {
    assert.equal((await gate.fetchWith(hs256Token(), "/api/a")).headers.get("server-timing"), null);
    origin.expectOne();
  },
);

const HEALTH = "/_portcullis/health";

gateTest(
  "health is told while the console is on",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET }, vars: { CONSOLE: "on" } }),
  async ({ gate }) => {
    const response = await gate.fetch(HEALTH);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal((await response.json()).status, "ok");
    assert.equal((await gate.fetch(HEALTH, { method: "POST" })).status, 405);
  },
);

gateTest(
  "a gate with a faulty policy is not healthy",
  ({ origin }) => ({
    policy: { ...hs256({ origin }), routes: [] },
    secrets: { SECRET },
    vars: { CONSOLE: "on" },
  }),
  async ({ gate }) => {
    const response = await gate.fetch(HEALTH);
    assert.equal(response.status, 500);
    assert.equal((await response.json()).status, "misconfigured");
  },
);

for (const [name, vars] of [
  ["is off", {}],
  ["is not quite on", { CONSOLE: "On" }],
]) {
  gateTest(
    `with the console that ${name}, health is an unknown route`,
    ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET }, vars }),
    async ({ gate }) => {
      await assertProblem(await gate.fetch(HEALTH), 404);
    },
  );
}
