// The gate logs one structured line for each decision. No line contains a token, a claim, a secret
// or a URL.

import assert from "node:assert/strict";
import { assertAdmitted, gateTest, policies, signal, tokens } from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */
/** @import { Parts } from "./harness/tokens.mjs" */

const { hs256, hs256Token, SECRET } = policies;

/** @param {Running} gate */
const decisions = (gate) => gate.logs.structured.filter(({ event }) => event === "decision");

/**
 * Stops the gate and returns the decisions that it logged. Only then is its output complete.
 *
 * @param {Running} gate
 */
const whenStopped = async (gate) => {
  await gate.stop();
  return decisions(gate);
};

/**
 * Uses plain workerd, whose output is complete when it ends. In other runtimes, a line could arrive
 * later.
 *
 * @param {string | undefined} log the value of `log.decisions`
 * @returns {(site: {origin: Origin}) => GateOptions}
 */
const options =
  (log) =>
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin, ...(log === undefined ? {} : { log: { decisions: log } }) }),
    secrets: { SECRET },
  });

/**
 * Sends two requests that are admitted and two that are refused.
 *
 * @param {Running} gate
 * @param {Origin} origin
 */
async function sendRequests(gate, origin) {
  await assertAdmitted(await gate.fetch("/public/a"), origin);
  await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
  await (await gate.fetch("/api/a")).text();
  await (await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a")).text();
  origin.expectNone();
}

gateTest(
  "by default, each refusal is logged with one line",
  options(undefined),
  async ({ gate, origin }) => {
    await sendRequests(gate, origin);
    const lines = await whenStopped(gate);
    assert.deepEqual(
      lines.map(({ code }) => code),
      ["missing_token", "expired"],
    );
  },
);

gateTest("a policy can have every decision logged", options("all"), async ({ gate, origin }) => {
  await sendRequests(gate, origin);
  const lines = await whenStopped(gate);
  assert.deepEqual(
    lines.map(({ decision, code, status, method, route }) => ({
      decision,
      code: code ?? null,
      status,
      method,
      route,
    })),
    [
      { decision: "admitted", code: null, status: 200, method: "GET", route: "/public/*" },
      { decision: "admitted", code: null, status: 200, method: "GET", route: "/api/*" },
      { decision: "refused", code: "missing_token", status: 401, method: "GET", route: "/api/*" },
      { decision: "refused", code: "expired", status: 401, method: "GET", route: "/api/*" },
    ],
  );
});

gateTest("a policy can have no decision logged", options("none"), async ({ gate, origin }) => {
  await sendRequests(gate, origin);
  assert.deepEqual(await whenStopped(gate), []);
});

gateTest(
  "the status of the origin's response is logged",
  options("all"),
  async ({ gate, origin }) => {
    origin.answerWith({ status: 503 });
    await (await gate.fetchWith(hs256Token(), "/api/a")).text();
    origin.expectOne();
    const [line] = await whenStopped(gate);
    assert.deepEqual([line?.decision, line?.status], ["admitted", 503]);
  },
);

gateTest(
  "an origin timeout is logged once, with the key that verified the token",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin, origin_timeout: 1 }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    const release = signal();
    const token = hs256Token();
    assert.equal((await gate.fetchWith(token, "/api/known")).status, 200);
    origin.expectOne();
    origin.answerWith(async (received, response) => {
      response.writeHead(200);
      response.write("begun");
      await release.promise;
      response.end();
    });
    // This response starts in time but ends after the limit, which applies only to its headers.
    const slow = await gate.fetchWith(token, "/api/slow");
    origin.expectOne();
    origin.answerWith(() => release.promise);
    assert.equal((await gate.fetchWith(token, "/api/hangs")).status, 504);
    origin.expectOne();
    release.resolve();
    assert.equal(await slow.text(), "begun");
    const [line, ...more] = await whenStopped(gate);
    assert.deepEqual(more, []);
    assert.ok(line);
    const { waited_ms: waited, ...rest } = line;
    assert.ok(Number(waited) >= 1000, `waited_ms is ${waited}`);
    assert.deepEqual(rest, {
      event: "decision",
      decision: "refused",
      code: "origin_timeout",
      because: "the origin sent no response headers in time",
      status: 504,
      method: "GET",
      route: "/api/*",
      issuer: "issuer",
      alg: "HS256",
      credential: "jwt",
      key: "secret",
      cache: "hit",
      ray: null,
    });
  },
);

gateTest(
  "no log line and no response of the gate contains a token, claim, secret or URL",
  options("all"),
  async ({ gate, origin }) => {
    const canaries = [
      "canary-subject",
      "canary-scope",
      "canary-kid",
      "canary-claim",
      "canary-path",
      "canary-query",
      "canary-cookie",
      "canary-header",
      "canary-garbage",
      "canary-issuer",
      "canary-audience",
      "canary-alg",
      "canary-typ",
      "canary-user",
    ];
    const marked = { sub: "canary-subject", scope: "canary-scope", extra: "canary-claim" };
    /**
     * @param {Record<string, unknown>} [changes]
     * @param {Partial<Parts>} [more]
     */
    const make = (changes, more) => hs256Token({ ...marked, ...changes }, more);
    const sent = [
      make(),
      make({ exp: 1 }),
      make({ iss: "https://canary-issuer.example/" }),
      make({ aud: "canary-audience" }),
      make({ nbf: tokens.now() + 9999 }),
      make({}, { header: { kid: 'canary-kid\r\n{"event":"forged"}' } }),
      make({}, { header: { alg: "canary-alg" } }),
      make({}, { header: { typ: "canary-typ" } }),
      make({}, { header: { crit: ["canary-claim"] } }),
      make({}, { key: "canary-garbage, and long enough to be a secret" }),
      make({ sub: "canary-subject".repeat(700) }),
      make({ sub: { canary: "canary-subject" } }),
      make({ sub: 'canary-subject\r\n{"event":"forged"}' }),
      "canary-garbage",
      "canary-garbage.canary-garbage.canary-garbage",
    ];
    /** @type {string[]} */
    const responses = [];
    for (const token of sent) {
      for (const path of [
        "/api/canary-path",
        "/optional/canary-path",
        "/admin/canary-path",
        "/public/canary-path",
        "/canary-path",
        "/api//canary-path",
      ]) {
        const headers = { Cookie: "canary-cookie=1", "X-Canary": "canary-header" };
        const response = await gate.fetchWith(token, `${path}?q=canary-query`, { headers });
        const text = await response.text();
        if (response.status !== 200) responses.push(text, ...[...response.headers].flat());
      }
    }
    for (const value of [
      "Basic canary-user",
      "Bearer canary-garbage canary-garbage",
      "Bearer",
      '"canary-garbage"',
    ]) {
      responses.push(
        (await gate.raw({ target: "/api/a", headers: [["Authorization", value]] })).text,
      );
    }
    const admitted = origin.take().length;
    assert.ok(admitted > 0, "some requests must be admitted, or the test proves nothing");

    const lines = await whenStopped(gate);
    assert.equal(lines.length, sent.length * 6 + 4, "one line for each request");
    const pieces = [
      SECRET,
      SECRET.slice(0, 12),
      ...canaries,
      ...sent.flatMap((token) => tokens.segments(token)).filter((text) => text.length > 20),
    ];
    for (const piece of pieces) {
      assert.ok(!gate.logs.text.includes(piece), `the log contains ${piece.slice(0, 40)}`);
      assert.ok(
        !responses.some((text) => text.includes(piece)),
        `a response contains ${piece.slice(0, 40)}`,
      );
    }
    assert.ok(!gate.logs.structured.some(({ event }) => event === "forged"), "a line was forged");
    assert.ok(
      gate.logs.entries.every(({ json }) => json !== undefined),
      `a line is not structured: ${gate.logs.text.slice(0, 500)}`,
    );
  },
);
