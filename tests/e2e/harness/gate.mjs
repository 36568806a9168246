// Starting the built gate, and tests around it that report its log when they fail.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startMiniflare } from "./miniflare.mjs";
import { startOrigin } from "./origin.mjs";
import { builtWorker } from "./paths.mjs";
import { bounded } from "./waiting.mjs";
import { startWorkerd } from "./workerd.mjs";

const RUNTIMES = { miniflare: startMiniflare, workerd: startWorkerd };

/** No test waits longer than this for anything: a hang becomes a failure with the Worker's log. */
const TEST_LIMIT = 120_000;

/**
 * Starts the built Worker. `policy` becomes the variable POLICY: an object as a table, a string as a string;
 * left out, there is none. `secrets`, `vars` and `bindings` differ only in what the reader is told. `services`:
 * { BINDING: "host:port" }. `runtime`: "miniflare" (what `wrangler dev` runs) or "workerd" (bare).
 */
export function startGate({ runtime = "miniflare", modules, policy, secrets, vars, bindings, ...rest } = {}) {
  const all = { ...(policy === undefined ? {} : { POLICY: policy }), ...vars, ...secrets, ...bindings };
  return RUNTIMES[runtime]({ modules: modules ?? builtWorker(), bindings: all, ...rest });
}

/**
 * A group of tests that share one origin and one gate. `options`: what `startGate` takes, or a function of
 * { origin } that returns it. `define` gets `test(name, async ({ gate, origin, t }) => …)`.
 */
export function withGate(title, options, define) {
  describe(title, { timeout: 2 * TEST_LIMIT }, () => {
    const site = {};
    before(async () => {
      Object.assign(site, await startSite(options));
    });
    after(() => stopSite(site));
    define((name, run) => it(name, { timeout: TEST_LIMIT }, (t) => runReporting(site, t, run)));
  });
}

/** One test with an origin and a gate of its own. */
export function gateTest(name, options, run) {
  it(name, { timeout: TEST_LIMIT }, async (t) => {
    const site = await startSite(options);
    try {
      await runReporting(site, t, run);
    } finally {
      await stopSite(site);
    }
  });
}

async function startSite(options) {
  const origin = await startOrigin();
  try {
    const given = typeof options === "function" ? options({ origin }) : options;
    return { origin, gate: await startGate(given) };
  } catch (error) {
    await origin.stop();
    throw error;
  }
}

async function stopSite({ gate, origin }) {
  await Promise.all([gate?.stop(), origin?.stop()]);
}

async function runReporting({ gate, origin }, t, run) {
  const alreadySaid = gate.logs.entries.length;
  try {
    // Ends before the runner's own limit does, which would say nothing of the log.
    await bounded(run({ gate, origin, t }), "the test to end", { limit: TEST_LIMIT - 10_000 });
    // Whatever reached the origin must have been expected: a request that slips past a refusal late, too.
    assert.deepEqual(
      origin.take().map(({ method, target }) => `${method} ${target}`),
      [],
      "requests reached the origin that the test did not account for",
    );
  } catch (error) {
    const said = gate.logs.entries.slice(alreadySaid);
    t.diagnostic(said.length === 0 ? "the gate logged nothing" : "the gate logged:");
    for (const { level, message } of said) t.diagnostic(`  ${level}: ${message}`);
    throw error;
  } finally {
    origin.reset();
  }
}
