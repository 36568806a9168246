// Measures how many requests per second pass through each gateway, and how long a single request
// takes.

import { Load, request } from "./load.mjs";
import { median, medianOfPairs, quantile } from "./statistics.mjs";
import { ALGORITHMS, Signer, forged } from "./tokens.mjs";

/** @import { Gateway, Service, StartFleet } from "./fleet.mjs" */

/**
 * Makes the requests of one round.
 *
 * @typedef {(count: number) => Buffer[]} Mix
 */
/**
 * What was measured for a gateway.
 *
 * @typedef {object} Result
 * @property {string} title
 * @property {number[]} rates Requests per second in each round.
 * @property {number} rate
 * @property {number} p50
 * @property {number} p99
 * @property {number} generator The share of one processor that the load generator used.
 */
/** @typedef {{title: string, rates: number[], latencies: number[], generator: number[]}} Samples */
/**
 * The results by the names of the gateways.
 *
 * @typedef {Map<string, Result>} Results
 */
/** @typedef {{algorithm: string, mix: string, results: Results}} Measured */

/** Enough to keep the single JavaScript thread busy, and few enough that no request waits long. */
const CONNECTIONS = 16;
/**
 * The number of workerd processes for each algorithm. Identical processes yield ratios that differ
 * by several percent.
 */
export const PROCESSES = 3;
/**
 * The rounds of each process. Many short rounds, so that a temporary slowdown of the machine
 * affects all gateways of a round alike.
 */
export const ROUNDS = 12;
/**
 * V8 needs about twenty thousand requests to compile the hot code on two processors. The following
 * mixes run the same code and only need to warm up their tokens.
 */
export const FIRST_WARM_UP_ROUNDS = 40;
export const WARM_UP_ROUNDS = 4;
const REQUESTS = 400;
/** Sent one at a time, to measure the latency of a request that waits for no other. */
const LONE_REQUESTS = 60;
const USES_OF_A_WARM_TOKEN = 20;
const HOT_TOKENS = 1_000;

/**
 * Repeats requests in order, starting with the one at `from`.
 *
 * @param {Buffer[]} requests
 * @param {number} count
 */
const repeated = (requests, count, from = 0) =>
  Array.from(
    { length: count },
    (_, index) => /** @type {Buffer} */ (requests[(from + index) % requests.length]),
  );

/**
 * The requests of a round are made before the round begins.
 *
 * @type {Record<string, (signer: Signer) => Mix>}
 */
const MIXES = {
  cold: (signer) => (count) => signer.tokens(count).map((token) => request(token)),
  warm: (signer) => (count) =>
    repeated(
      signer.tokens(Math.ceil(count / USES_OF_A_WARM_TOKEN)).map((token) => request(token)),
      count,
    ),
  hot: (signer) => {
    const requests = signer.tokens(HOT_TOKENS).map((token) => request(token));
    let next = 0;
    return (count) => {
      const from = next;
      next += count;
      return repeated(requests, count, from);
    };
  },
};

/**
 * Measures the gateways with each algorithm and each mix. Several workerd processes for each
 * algorithm follow one another.
 *
 * @param {Gateway[]} gateways
 * @param {StartFleet} start
 * @param {{algorithms?: string[], mixes?: string[], say: (text: string) => void}} options
 * @returns {Promise<Measured[]>}
 */
export async function measure(
  gateways,
  start,
  { algorithms = ALGORITHMS, mixes = Object.keys(MIXES), say },
) {
  const measured = [];
  for (const algorithm of algorithms) {
    const signer = new Signer(algorithm);
    const services = gateways
      .filter((gateway) => gateway.handles(algorithm))
      .map((gateway) => ({ name: gateway.name, gateway, signer }));
    /** @type {Map<string, Map<string, Samples>>} */
    const samples = new Map(mixes.map((mix) => [mix, new Map()]));
    for (let process = 1; process <= PROCESSES; process += 1) {
      const fleet = await start(services);
      try {
        await check(services, fleet.port);
        let warmUpRounds = FIRST_WARM_UP_ROUNDS;
        for (const [mix, ofMix] of samples) {
          const make = MIXES[mix];
          if (make === undefined) throw new Error(`unknown mix: ${mix}`);
          say(`${algorithm}, ${mix}, process ${process}`);
          const mixed = services.filter(({ gateway }) => gateway.mixes?.includes(mix) ?? true);
          await interleaved(mixed, fleet.port, make(signer), warmUpRounds, ofMix);
          warmUpRounds = WARM_UP_ROUNDS;
        }
      } finally {
        await fleet.stop();
      }
    }
    for (const [mix, ofMix] of samples) {
      /** @type {Results} */
      const results = new Map();
      for (const [name, one] of ofMix) results.set(name, summary(one));
      measured.push({ algorithm, mix, results });
    }
  }
  return measured;
}

/**
 * @param {Samples} samples
 * @returns {Result}
 */
function summary({ title, rates, latencies, generator }) {
  return {
    title,
    rates,
    rate: median(rates),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    generator: median(generator),
  };
}

/**
 * Checks before the measurement that each gateway accepts a valid token and rejects a forged one,
 * and that a Worker without a check accepts both.
 *
 * @param {Service[]} services
 * @param {(name: string) => number} port
 */
async function check(services, port) {
  for (const { name, gateway, signer } of services) {
    const load = new Load(port(name), 1);
    await load.open();
    const [opaque] = gateway.tokens ?? [];
    const token = opaque ?? signer.token();
    await load.run([request(token)]);
    const verifies = !["answer", "pass-through", "rust"].includes(gateway.name);
    const wrong = opaque === undefined ? forged(token) : "made-up";
    await load.run([request(wrong)], verifies ? 401 : 200);
    load.close();
  }
}

/**
 * Runs rounds in which the gateways take turns, and adds what was measured to `samples`. Each round
 * begins with another gateway.
 *
 * @param {Service[]} services
 * @param {(name: string) => number} port
 * @param {Mix} mix
 * @param {number} warmUpRounds
 * @param {Map<string, Samples>} samples
 */
async function interleaved(services, port, mix, warmUpRounds, samples) {
  const runs = services.map(({ name, gateway }) => {
    const none = { title: gateway.title, rates: [], latencies: [], generator: [] };
    const measured = samples.get(name) ?? none;
    samples.set(name, measured);
    return {
      own: gateway.tokens?.map((token) => request(token)),
      many: new Load(port(name), CONNECTIONS),
      alone: new Load(port(name), 1),
      measured,
    };
  });
  for (const { many, alone } of runs) await Promise.all([many.open(), alone.open()]);
  for (let round = -warmUpRounds; round < ROUNDS; round += 1) {
    const requests = mix(REQUESTS);
    const few = mix(LONE_REQUESTS);
    const first = (round + warmUpRounds) % runs.length;
    for (const run of [...runs.slice(first), ...runs.slice(0, first)]) {
      const sent = (/** @type {Buffer[]} */ all) =>
        run.own === undefined ? all : repeated(run.own, all.length);
      const { seconds, ownSeconds } = await run.many.run(sent(requests));
      const { latencies } = await run.alone.run(sent(few));
      if (round < 0) continue;
      run.measured.rates.push(requests.length / seconds);
      run.measured.generator.push(ownSeconds / seconds);
      run.measured.latencies.push(...latencies);
    }
  }
  for (const { many, alone } of runs) [many, alone].forEach((load) => load.close());
}

/**
 * Returns the median of the ratios within each round. A slowdown of the machine affects both sides
 * of a ratio.
 *
 * @param {Results} results
 * @param {string} name
 * @param {string} other
 */
export function ratioOf(results, name, other) {
  return compared(results, name, other, (rate, otherRate) => rate / otherRate);
}

/**
 * Returns how many microseconds longer a request takes than through `floor`. The JavaScript thread
 * is busy all the time, so the rates tell.
 *
 * @param {Results} results
 * @param {string} name
 * @param {string} floor
 */
export function addedMicroseconds(results, name, floor) {
  return compared(results, name, floor, (rate, otherRate) => 1e6 / rate - 1e6 / otherRate);
}

/**
 * @param {Results} results
 * @param {string} name
 * @param {string} other
 * @param {(rate: number, otherRate: number) => number} combine
 */
function compared(results, name, other, combine) {
  return medianOfPairs(results.get(name)?.rates ?? [], results.get(other)?.rates ?? [], combine);
}
