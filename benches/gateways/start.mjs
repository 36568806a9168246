// How long a fresh process takes from its start to its first answer: with a gateway, less without one, is what the
// gateway's module takes to be compiled, to begin, and to read its policy and keys.

import { Load, request } from "./load.mjs";
import { median } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

const ROUNDS = 15;

/** Milliseconds over the pass-through in JavaScript, for each gateway. */
export async function measureStart(gateways, start, say) {
  say("start-up");
  const signer = new Signer("RS256");
  const times = new Map(gateways.map(({ name }) => [name, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const gateway of gateways) {
      const began = performance.now();
      const fleet = await start([{ name: "one", gateway, signer }]);
      const load = new Load(fleet.ports.get("one"), 1);
      await load.open();
      await load.run([request(signer.token())]);
      const took = performance.now() - began;
      load.close();
      await fleet.stop();
      if (round >= 0) times.get(gateway.name).push(took);
    }
  }
  const floor = times.get("pass-through");
  return gateways.map(({ name, title }) => ({
    title,
    milliseconds: median(times.get(name).map((time, round) => time - floor[round])),
  }));
}
