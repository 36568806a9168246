// Measures the time from the start of a fresh process to its first response. The difference between
// a gateway and the pass-through is the time to compile and instantiate the gateway's module and to
// read its policy and keys.

import { Load, request } from "./load.mjs";
import { medianOfPairs } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

/** @import { Gateway, StartFleet } from "./fleet.mjs" */

const ROUNDS = 15;

/**
 * Returns the milliseconds of each gateway over those of the pass-through in JavaScript.
 *
 * @param {Gateway[]} gateways
 * @param {StartFleet} start
 * @param {(text: string) => void} say
 */
export async function measureStart(gateways, start, say) {
  say("start-up");
  const signer = new Signer("RS256");
  const runs = gateways.map((gateway) => ({ gateway, times: /** @type {number[]} */ ([]) }));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const { gateway, times } of runs) {
      const began = performance.now();
      const fleet = await start([{ name: "one", gateway, signer }]);
      const load = new Load(fleet.port("one"), 1);
      await load.open();
      await load.run([request(signer.token())]);
      const took = performance.now() - began;
      load.close();
      await fleet.stop();
      if (round >= 0) times.push(took);
    }
  }
  const floor = runs.find(({ gateway }) => gateway.name === "pass-through")?.times ?? [];
  return runs.map(({ gateway, times }) => ({
    gateway,
    milliseconds: medianOfPairs(times, floor, (time, other) => time - other),
  }));
}
