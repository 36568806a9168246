// Sends only valid tokens that the gate has never seen, for a minute. The token cache must not grow
// without bound or slow the gate down.

import { readFileSync } from "node:fs";
import { Load, request } from "./load.mjs";
import { median, medianOfPairs } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

/** @import { Gateway, StartFleet } from "./fleet.mjs" */

/** @typedef {Awaited<ReturnType<typeof flood>>} Flood */

const SECONDS = 60;
const BATCH = 2_000;
const CONNECTIONS = 16;

/**
 * Returns the rate and the memory in each tenth of the flood, relative to a pass-through that takes
 * turns with the gate.
 *
 * @param {Gateway[]} gateways
 * @param {StartFleet} start
 * @param {(text: string) => void} say
 */
export async function flood(gateways, start, say) {
  say(`a flood of new tokens, ${SECONDS} s`);
  const signer = new Signer("ES256");
  const names = ["portcullis", "pass-through"];
  const fleet = await start(
    gateways
      .filter(({ name }) => names.includes(name))
      .map((gateway) => ({ name: gateway.name, gateway, signer })),
  );
  const gate = new Load(fleet.port("portcullis"), CONNECTIONS);
  const floor = new Load(fleet.port("pass-through"), CONNECTIONS);
  try {
    await Promise.all([gate.open(), floor.open()]);
    const tenths = Array.from({ length: 10 }, () => ({
      rates: /** @type {number[]} */ ([]),
      floors: /** @type {number[]} */ ([]),
      bytes: 0,
    }));
    let spent = 0;
    while (spent < SECONDS) {
      const requests = signer.tokens(BATCH).map((token) => request(token));
      const { seconds } = await gate.run(requests);
      const other = await floor.run(requests);
      const index = Math.min(9, Math.floor((spent / SECONDS) * 10));
      const tenth = /** @type {(typeof tenths)[number]} */ (tenths[index]);
      tenth.rates.push(BATCH / seconds);
      tenth.floors.push(BATCH / other.seconds);
      tenth.bytes = residentBytes(fleet.pid);
      spent += seconds;
    }
    const total = tenths.reduce((sum, { rates }) => sum + rates.length * BATCH, 0);
    const rows = tenths.map(({ rates, floors, bytes }) => ({
      rate: median(rates),
      ratio: medianOfPairs(rates, floors, (rate, other) => rate / other),
      bytes,
    }));
    return { total, rows };
  } finally {
    [gate, floor].forEach((load) => load.close());
    await fleet.stop();
  }
}

/**
 * Returns the resident memory of a process, or NaN on systems other than Linux.
 *
 * @param {number | undefined} pid
 */
function residentBytes(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}
