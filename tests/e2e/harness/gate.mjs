// Starts the built gate, and defines tests that report the gate's log if they fail.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startMiniflare } from "./miniflare.mjs";
import { startOrigin } from "./origin.mjs";
import { builtWorker, withClock } from "./paths.mjs";
import { startProvider } from "./provider.mjs";
import { bounded } from "./waiting.mjs";
import { startWorkerd } from "./workerd.mjs";
import { startWranglerDev } from "./wrangler.mjs";

/** @import { V4WorkerOptions } from "miniflare" */
/** @import { TestContext } from "node:test" */
/** @import { Origin } from "./origin.mjs" */
/** @import { Module } from "./paths.mjs" */
/** @import { Provider } from "./provider.mjs" */
/** @import { Running } from "./running.mjs" */

/**
 * What each runtime takes. Miniflare takes further options of its own for the gate, such as
 * `kvNamespaces`.
 *
 * @typedef {object} RuntimeOptions
 * @property {Module[]} modules The entry first.
 * @property {Record<string, unknown>} [bindings]
 * @property {NonNullable<V4WorkerOptions["serviceBindings"]>} [services] "host:port" by the names
 *   of the bindings.
 * @property {string[]} [flags] Compatibility flags.
 * @property {boolean} [cf] Miniflare only.
 * @property {string} [cfHeader] workerd only: the request header whose value, JSON, becomes
 *   `request.cf`, as Cloudflare's own servers pass it on.
 * @property {number} [isolates] Miniflare only: how many isolates run the gate. They share one
 *   Cache API.
 * @property {V4WorkerOptions[]} [workers] Miniflare only: Workers besides the gate.
 * @property {string} [resourcePersistencePath] Miniflare only: where KV is stored. In memory by
 *   default.
 */

/**
 * How to start the gate. `secrets`, `vars` and `bindings` all become bindings; the names are for
 * the reader.
 *
 * @typedef {object} OwnOptions
 * @property {string} [runtime] "miniflare" (the default, which `wrangler dev` runs), "workerd", or
 *   "wrangler" (`wrangler dev` itself, which takes seconds to start).
 * @property {Module[]} [modules] The built Worker by default.
 * @property {boolean} [clock] Whether the clock can be moved.
 * @property {unknown} [policy] The variable POLICY: an object as a table, a string as a string. If
 *   absent, there is no such variable.
 * @property {Record<string, unknown>} [secrets]
 * @property {Record<string, unknown>} [vars]
 */

/** @typedef {OwnOptions & Partial<RuntimeOptions> & Record<string, unknown>} GateOptions */

/** @typedef {{origin: Origin, gate: Running}} Site */
/** @typedef {{provider: Provider, providers: Provider[]}} Providers */
/** @typedef {{t: TestContext}} WithContext */
/** @typedef {(name: string, run: (site: Site & WithContext) => unknown) => void} DefineTest */
/** @typedef {GateOptions | ((site: {origin: Origin}) => GateOptions)} SiteOptions */

/** @type {Record<string, (options: RuntimeOptions) => Promise<Running>>} */
const RUNTIMES = { miniflare: startMiniflare, workerd: startWorkerd, wrangler: startWranglerDev };

/**
 * The time limit of a test, in milliseconds. It turns a hang into a failure that shows the Worker's
 * log.
 */
const TEST_LIMIT = 120_000;

/**
 * Starts the built Worker.
 *
 * @param {GateOptions} [options]
 * @returns {Promise<Running>}
 */
export async function startGate({
  runtime = "miniflare",
  modules,
  clock = false,
  policy,
  ...rest
} = {}) {
  const { secrets, vars, bindings, ...others } = rest;
  const all = {
    ...(policy === undefined ? {} : { POLICY: policy }),
    ...vars,
    ...secrets,
    ...bindings,
  };
  const own = modules ?? builtWorker();
  const start = RUNTIMES[runtime];
  assert.ok(start, `unknown runtime: ${runtime}`);
  return start({ modules: clock ? withClock(own) : own, bindings: all, ...others });
}

/**
 * Defines a group of tests that share one origin and one gate.
 *
 * @param {string} title
 * @param {SiteOptions} options
 * @param {(test: DefineTest) => void} define
 */
export function withGate(title, options, define) {
  describe(title, { timeout: 2 * TEST_LIMIT }, () => {
    /** @type {Site | undefined} */
    let site;
    before(async () => {
      site = await startSite(options);
    });
    after(() => stopSite(site));
    define((name, run) =>
      it(name, { timeout: TEST_LIMIT }, (t) => {
        assert.ok(site, "the gate did not start");
        return runReporting(site, t, run);
      }));
  });
}

/**
 * Defines one test with its own origin and gate.
 *
 * @param {string} name
 * @param {SiteOptions} options
 * @param {(site: Site & WithContext) => unknown} run
 */
export function gateTest(name, options, run) {
  testAlone(name, () => startSite(options), run);
}

/**
 * Defines one test with its own origin, identity providers and gate, whose clock can be moved. The
 * test must account for every path that was fetched from a provider and for every request that
 * reached the origin.
 *
 * @param {string} name
 * @param {(site: {origin: Origin} & Providers) => GateOptions} options
 * @param {(site: Site & Providers & WithContext) => unknown} run `provider` is the first of the
 *   providers
 * @param {{providers?: number}} [count]
 */
export function providerTest(name, options, run, { providers: count = 1 } = {}) {
  const start = async () => {
    const started = await Promise.allSettled([...Array(count).keys()].map(() => startProvider()));
    const providers = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    try {
      const failed = started.find((one) => one.status === "rejected");
      if (failed) throw failed.reason;
      const [provider] = providers;
      assert.ok(provider);
      const more = { provider, providers };
      const site = await startSite((site) => ({ clock: true, ...options({ ...site, ...more }) }));
      return { ...site, ...more };
    } catch (error) {
      await Promise.all(providers.map((provider) => provider.stop()));
      throw error;
    }
  };
  testAlone(name, start, run);
}

/**
 * @template {Site & Partial<Providers>} S
 * @param {string} name
 * @param {() => Promise<S>} start
 * @param {(site: S & WithContext) => unknown} run
 */
function testAlone(name, start, run) {
  it(name, { timeout: TEST_LIMIT }, async (t) => {
    const site = await start();
    try {
      await runReporting(site, t, run);
    } finally {
      await stopSite(site);
    }
  });
}

/**
 * @param {SiteOptions} options
 * @returns {Promise<Site>}
 */
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

/** @param {(Site & Partial<Providers>) | undefined} site */
async function stopSite(site) {
  if (!site) return;
  const { gate, origin, providers = [] } = site;
  await Promise.all([gate, origin, ...providers].map((one) => one.stop()));
}

/**
 * @template {Site & Partial<Providers>} S
 * @param {S} site
 * @param {TestContext} t
 * @param {(site: S & WithContext) => unknown} run
 */
async function runReporting(site, t, run) {
  const { gate, origin, providers = [] } = site;
  const loggedBefore = gate.logs.entries.length;
  try {
    // Ends before the test runner's own limit, which would not show the log.
    await bounded(Promise.resolve(run({ ...site, t })), "the test to end", {
      limit: TEST_LIMIT - 10_000,
    });
    // A test must expect every request that reaches the origin, including one that a refusal failed
    // to stop.
    assert.deepEqual(
      origin.take().map(({ method, target }) => `${method} ${target}`),
      [],
      "requests reached the origin that the test did not account for",
    );
    for (const provider of providers) {
      await provider.expectFetches([], "paths were fetched that the test did not account for");
    }
  } catch (error) {
    const logged = gate.logs.entries.slice(loggedBefore);
    t.diagnostic(logged.length === 0 ? "the gate logged nothing" : "the gate logged:");
    for (const { level, message } of logged) t.diagnostic(`  ${level}: ${message}`);
    throw error;
  } finally {
    origin.reset();
  }
}
