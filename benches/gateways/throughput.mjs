// How many requests a second pass each gateway, and how long one takes.

import { Load, request } from "./load.mjs";
import { median, quantile } from "./statistics.mjs";
import { ALGORITHMS, Signer, forged } from "./tokens.mjs";

/** Enough to keep the one JavaScript thread busy, few enough that none waits for long. */
const CONNECTIONS = 16;
/** Many and short, since what slows the machine down for a while should meet all the gateways of a round alike. */
export const ROUNDS = 48;
/**
 * Until V8 has compiled what is hot, for which it takes its time on two processors: some twenty thousand requests. What
 * comes after is warmed up by it, save for its tokens.
 */
export const FIRST_WARM_UP_ROUNDS = 60;
export const WARM_UP_ROUNDS = 8;
const REQUESTS = 400;
/** One at a time: what a request takes that meets no other. */
const LONE_REQUESTS = 100;
const USES_OF_A_WARM_TOKEN = 20;
const HOT_TOKENS = 1_000;

/** What is sent in one round, made before it begins: a function from a signer to a function that makes a round. */
const MIXES = {
  cold: (signer) => (count) => signer.tokens(count).map(request),
  warm: (signer) => (count) => {
    const tokens = signer.tokens(Math.ceil(count / USES_OF_A_WARM_TOKEN)).map(request);
    return Array.from({ length: count }, (_, index) => tokens[index % tokens.length]);
  },
  hot: (signer) => {
    const tokens = signer.tokens(HOT_TOKENS).map(request);
    let next = 0;
    return (count) => Array.from({ length: count }, () => tokens[next++ % tokens.length]);
  },
};

/** Measures `gateways` in a fleet that `start` starts. Returns { algorithm, mix, results } for each of both. */
export async function measure(
  gateways,
  start,
  { algorithms = ALGORITHMS, mixes = Object.keys(MIXES), say },
) {
  const signers = new Map(algorithms.map((algorithm) => [algorithm, new Signer(algorithm)]));
  const services = algorithms.flatMap((algorithm) =>
    gateways
      .filter((gateway) => gateway.handles(algorithm))
      .map((gateway) => ({
        name: `${gateway.name}-${algorithm}`,
        gateway,
        signer: signers.get(algorithm),
      })),
  );
  const fleet = await start(services);
  try {
    const measured = [];
    for (const algorithm of algorithms) {
      const own = services.filter(({ signer }) => signer.algorithm === algorithm);
      await check(own, fleet.ports);
      let warmUpRounds = FIRST_WARM_UP_ROUNDS;
      for (const mix of mixes) {
        say(`${algorithm}, ${mix}`);
        const requests = MIXES[mix](signers.get(algorithm));
        measured.push({
          algorithm,
          mix,
          results: await interleaved(own, fleet.ports, requests, warmUpRounds),
        });
        warmUpRounds = WARM_UP_ROUNDS;
      }
    }
    return measured;
  } finally {
    await fleet.stop();
  }
}

/** A gateway lets a good token in and refuses a forged one, before it is timed; a pass-through refuses nothing. */
async function check(services, ports) {
  for (const { name, gateway, signer } of services) {
    const load = new Load(ports.get(name), 1);
    await load.open();
    const token = signer.token();
    await load.run([request(token)]);
    const verifies = !["pass-through", "rust"].includes(gateway.name);
    await load.run([request(forged(token))], verifies ? 401 : 200);
    load.close();
  }
}

/** Rounds in which every gateway has its turn, beginning with another one each time. */
async function interleaved(services, ports, mix, warmUpRounds) {
  const runs = services.map(({ name, gateway }) => ({
    gateway,
    many: new Load(ports.get(name), CONNECTIONS),
    alone: new Load(ports.get(name), 1),
    rates: [],
    latencies: [],
    generator: [],
  }));
  for (const { many, alone } of runs) await Promise.all([many.open(), alone.open()]);
  for (let round = -warmUpRounds; round < ROUNDS; round += 1) {
    const requests = mix(REQUESTS);
    const few = mix(LONE_REQUESTS);
    const first = (round + warmUpRounds) % runs.length;
    for (const run of [...runs.slice(first), ...runs.slice(0, first)]) {
      const { seconds, ownSeconds } = await run.many.run(requests);
      const { latencies } = await run.alone.run(few);
      if (round < 0) continue;
      run.rates.push(requests.length / seconds);
      run.generator.push(ownSeconds / seconds);
      run.latencies.push(...latencies);
    }
  }
  for (const { many, alone } of runs) [many, alone].forEach((load) => load.close());
  return new Map(
    runs.map(({ gateway, rates, latencies, generator }) => [
      gateway.name,
      {
        title: gateway.title,
        rates,
        rate: median(rates),
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        generator: median(generator),
      },
    ]),
  );
}

/** The median over the rounds of the ratio in each: what slows the machine in one slows both. */
export function ratioOf(results, name, other) {
  const [rates, others] = [results.get(name)?.rates, results.get(other)?.rates];
  return rates && others && median(rates.map((rate, round) => rate / others[round]));
}

/** Microseconds a request takes more than through `floor`: the JavaScript thread is busy all the time. */
export function addedMicroseconds(results, name, floor) {
  const [rates, floors] = [results.get(name)?.rates, results.get(floor)?.rates];
  return median(rates.map((rate, round) => 1e6 / rate - 1e6 / floors[round]));
}
