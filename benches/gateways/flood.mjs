// Nothing but valid tokens that were never seen before, for a minute: what keeps them must not grow, nor slow down.

import { readFileSync } from "node:fs";
import { Load, request } from "./load.mjs";
import { median } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

const SECONDS = 60;
const BATCH = 2_000;
const CONNECTIONS = 16;

/** The rate and the memory of each tenth of the flood, and the rate of a pass-through in between. */
export async function flood(gateways, start, say) {
  say(`a flood of tokens never seen before, ${SECONDS} s`);
  const signer = new Signer("ES256");
  const [gateway, floor] = ["portcullis", "pass-through"].map((name) =>
    gateways.find((one) => one.name === name),
  );
  const fleet = await start(
    [gateway, floor].map((one) => ({ name: one.name, gateway: one, signer })),
  );
  const [load, other] = [gateway, floor].map(
    ({ name }) => new Load(fleet.ports.get(name), CONNECTIONS),
  );
  try {
    await Promise.all([load.open(), other.open()]);
    const tenths = Array.from({ length: 10 }, () => ({ rates: [], floors: [], bytes: 0 }));
    let spent = 0;
    while (spent < SECONDS) {
      const requests = signer.tokens(BATCH).map(request);
      const { seconds } = await load.run(requests);
      const beside = await other.run(requests);
      const tenth = tenths[Math.min(9, Math.floor((spent / SECONDS) * 10))];
      tenth.rates.push(BATCH / seconds);
      tenth.floors.push(BATCH / beside.seconds);
      tenth.bytes = residentBytes(fleet.pid);
      spent += seconds;
    }
    const total = tenths.reduce((sum, { rates }) => sum + rates.length * BATCH, 0);
    const rows = tenths.map(({ rates, floors, bytes }) => ({
      rate: median(rates),
      ratio: median(rates.map((rate, index) => rate / floors[index])),
      bytes,
    }));
    return { total, rows };
  } finally {
    [load, other].forEach((one) => one.close());
    await fleet.stop();
  }
}

/** Of the whole workerd process; where the system tells it, which is Linux. */
function residentBytes(pid) {
  try {
    return (
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024
    );
  } catch {
    return Number.NaN;
  }
}
