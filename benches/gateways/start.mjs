// Measures the time from the start of a fresh process to its first response, and of that the time
// which the first request takes after the isolate has started. The difference between a gateway and
// the pass-through is the time to compile the gateway's code and to read its policy and keys.

import { Load, request } from "./load.mjs";
import { medianOfPairs } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

/** @import { Gateway, StartFleet } from "./fleet.mjs" */

const ROUNDS = 15;

/**
 * Returns the milliseconds of each gateway over those of the pass-through in JavaScript: `total`
 * from the start of the process, `request` for the first request.
 *
 * @param {Gateway[]} gateways
 * @param {StartFleet} start
 * @param {(text: string) => void} say
 */
export async function measureStart(gateways, start, say) {
  say("start-up");
  const signer = new Signer("RS256");
  const times = () => /** @type {number[]} */ ([]);
  const runs = gateways.map((gateway) => ({ gateway, total: times(), request: times() }));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const run of runs) {
      const { gateway } = run;
      const began = performance.now();
      const fleet = await start([{ name: "one", gateway, signer }]);
      const load = new Load(fleet.port("one"), 1);
      await load.open();
      const requested = performance.now();
      await load.run([request(signer.token())]);
      const ended = performance.now();
      load.close();
      await fleet.stop();
      if (round < 0) continue;
      run.total.push(ended - began);
      run.request.push(ended - requested);
    }
  }
  const floor = runs.find(({ gateway }) => gateway.name === "pass-through");
  const over = (/** @type {number[]} */ times, /** @type {number[]} */ others = []) =>
    medianOfPairs(times, others, (time, other) => time - other);
  return runs.map(({ gateway, total, request }) => ({
    gateway,
    total: over(total, floor?.total),
    request: over(request, floor?.request),
  }));
}
