// Starting the built gate, and tests around it that report its log when they fail.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startMiniflare } from "./miniflare.mjs";
import { startOrigin } from "./origin.mjs";
import { builtWorker, withClock } from "./paths.mjs";
import { startProvider } from "./provider.mjs";
import { bounded } from "./waiting.mjs";
import { startWorkerd } from "./workerd.mjs";
import { startWranglerDev } from "./wrangler.mjs";

const RUNTIMES = { miniflare: startMiniflare, workerd: startWorkerd, wrangler: startWranglerDev };

/** No test waits longer than this for anything: a hang becomes a failure with the Worker's log. */
const TEST_LIMIT = 120_000;

/**
 * Starts the built Worker. `policy` becomes the variable POLICY: an object as a table, a string as a string;
 * left out, there is none. `secrets`, `vars` and `bindings` differ only in what the reader is told. `services`:
 * { BINDING: "host:port" }. `runtime`: "miniflare" (what `wrangler dev` runs), "workerd" (bare), or "wrangler"
 * (`wrangler dev` itself, which takes seconds to start). `clock`: whether its clock can be moved.
 */
export function startGate({ runtime = "miniflare", modules, clock = false, policy, ...rest } = {}) {
  const { secrets, vars, bindings, ...others } = rest;
  const all = {
    ...(policy === undefined ? {} : { POLICY: policy }),
    ...vars,
    ...secrets,
    ...bindings,
  };
  const own = modules ?? builtWorker();
  return RUNTIMES[runtime]({ modules: clock ? withClock(own) : own, bindings: all, ...others });
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
  alone(name, () => startSite(options), run);
}

/**
 * One test with an origin, `providers` real identity providers and a gate of its own, whose clock can be moved.
 * `options` is a function of { origin, provider, providers }; `provider` is the first. What was fetched from a
 * provider must be accounted for, as must what reached the origin.
 */
export function providerTest(name, options, run, { providers: count = 1 } = {}) {
  const start = async () => {
    const started = await Promise.allSettled([...Array(count).keys()].map(startProvider));
    const providers = started.flatMap(({ value }) => value ?? []);
    try {
      const failed = started.find(({ reason }) => reason);
      if (failed) throw failed.reason;
      const also = { provider: providers[0], providers };
      return {
        ...(await startSite((site) => ({ clock: true, ...options({ ...site, ...also }) }))),
        ...also,
      };
    } catch (error) {
      await Promise.all(providers.map((provider) => provider.stop()));
      throw error;
    }
  };
  alone(name, start, run);
}

function alone(name, start, run) {
  it(name, { timeout: TEST_LIMIT }, async (t) => {
    const site = await start();
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

async function stopSite({ gate, origin, providers = [] }) {
  await Promise.all([gate, origin, ...providers].map((one) => one?.stop()));
}

async function runReporting(site, t, run) {
  const { gate, origin, providers = [] } = site;
  const alreadySaid = gate.logs.entries.length;
  try {
    // Ends before the runner's own limit does, which would say nothing of the log.
    await bounded(run({ ...site, t }), "the test to end", { limit: TEST_LIMIT - 10_000 });
    // Whatever reached the origin must have been expected: a request that slips past a refusal late, too.
    assert.deepEqual(
      origin.take().map(({ method, target }) => `${method} ${target}`),
      [],
      "requests reached the origin that the test did not account for",
    );
    for (const provider of providers) {
      await provider.expectFetches([], "paths were fetched that the test did not account for");
    }
  } catch (error) {
    const said = gate.logs.entries.slice(alreadySaid);
    t.diagnostic(said.length === 0 ? "the gate logged nothing" : "the gate logged:");
    for (const { level, message } of said) t.diagnostic(`  ${level}: ${message}`);
    throw error;
  } finally {
    origin.reset();
  }
}
