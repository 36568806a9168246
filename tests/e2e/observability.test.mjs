// Observability for operators: data points, log lines, Server-Timing and the health endpoint.

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

/** @import { V4WorkerOptions } from "miniflare" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */

/**
 * A dataset that writes its data points to the log.
 *
 * @type {V4WorkerOptions}
 */
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
  "writes a data point for every decision, even if none is logged",
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
    const points =
      /** @type {{event: string, indexes: unknown, blobs: unknown, doubles: unknown[]}[]} */ (
        written
      );
    assert.deepEqual(
      points.map(({ indexes, blobs, doubles }) => [indexes, blobs, doubles[0]]),
      [
        [
          ["/api/*"],
          ["admitted", "", "/api/*", "issuer", "HS256", "secret", "GET", "miss", "jwt"],
          200,
        ],
        [["/public/*"], ["admitted", "", "/public/*", "", "", "", "GET", "", ""], 200],
        [
          ["/api/*"],
          [
            "refused",
            "wrong_audience",
            "/api/*",
            "issuer",
            "HS256",
            "secret",
            "GET",
            "miss",
            "jwt",
          ],
          401,
        ],
        [[""], ["refused", "no_route", "", "", "", "", "GET", "", ""], 404],
      ],
    );
    for (const { event, doubles } of points) {
      assert.equal(event, "point");
      assert.ok(Number.isInteger(doubles[1]) && Number(doubles[1]) >= 0);
    }
  },
);

gateTest(
  "logs how long a request waited for the origin",
  ({ origin }) => ({
    policy: hs256({ origin, log: { decisions: "all" } }),
    secrets: { SECRET },
    clock: true,
  }),
  async ({ gate, origin }) => {
    origin.answerWith(async (received, response) => {
      // By the clock of the gate, the origin takes seven seconds.
      await gate.moveClock(7);
      response.end("late");
    });
    assert.equal((await gate.fetchWith(hs256Token(), "/api/a")).status, 200);
    origin.expectOne();
    const [line] = await gate.logs.waitFor((book) => book.structured.length > 0 && book.structured);
    assert.ok(Number(line?.waited_ms) >= 7000, `waited_ms is ${line?.waited_ms}`);
  },
);

/**
 * A gate that adds Server-Timing.
 *
 * @param {{origin: Origin}} site
 * @returns {GateOptions}
 */
const timed = ({ origin }) => ({
  policy: hs256({ origin, log: { server_timing: true } }),
  secrets: { SECRET },
});

gateTest(
  "passes on responses with unusual statuses even if the policy asks for Server-Timing",
  timed,
  async ({ gate, origin }) => {
    for (const status of [600, 799, 999]) {
      origin.answerWith({ status, body: "unusual" });
      const response = await gate.raw({ target: "/public/a" });
      assert.deepEqual([response.status, response.text], [status, "unusual"]);
      origin.expectOne();
    }
  },
);

gateTest(
  "adds Server-Timing if the policy asks for it, and changes nothing else",
  timed,
  async ({ gate, origin }) => {
    const timing = /^gate;dur=\d+, origin;dur=\d+$/;
    origin.answerWith({
      status: 418,
      headers: { "X-Own": "kept", ETag: '"a"' },
      body: "short and stout",
    });
    const response = await gate.fetchWith(hs256Token(), "/api/a");
    assert.equal(response.status, 418);
    assert.match(response.headers.get("server-timing") ?? "", timing);
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
      unchanged.headers.get("server-timing") ?? "",
      /^db;dur=5, gate;dur=\d+, origin;dur=\d+$/,
    );
    origin.expectOne();
    const refused = await gate.fetch("/api/a");
    assert.match(refused.headers.get("server-timing") ?? "", timing);
    await assertRefused(refused, 401);
  },
);

gateTest(
  "adds no Server-Timing by default",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  async ({ gate, origin }) => {
    assert.equal((await gate.fetchWith(hs256Token(), "/api/a")).headers.get("server-timing"), null);
    origin.expectOne();
  },
);

const HEALTH = "/_portcullis/health";

gateTest(
  "reports its health while the console is on",
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
  "a gate with an invalid policy reports that it is misconfigured",
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

/** @type {[name: string, vars: Record<string, unknown>][]} */
const OFF = [
  ["is not set", {}],
  ['is "On"', { CONSOLE: "On" }],
];

for (const [name, vars] of OFF) {
  gateTest(
    `the health endpoint is unavailable while CONSOLE ${name}`,
    ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET }, vars }),
    async ({ gate }) => {
      await assertProblem(await gate.fetch(HEALTH), 404);
    },
  );
}
