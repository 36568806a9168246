// Measures the gateways side by side and writes the results as a table and a chart. The arguments
// are the folder of the built gate, the folder of the pass-through in Rust, a folder for
// intermediate files, and a folder for the results. `--algorithms` and `--mixes` take lists
// separated by commas and restrict the measurement. A restricted measurement, or one without a
// folder for the results, is only printed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { repository } from "../../tests/e2e/harness/paths.mjs";
import { chart } from "./chart.mjs";
import { apis, boundGateways, gateways, startFleet } from "./fleet.mjs";
import { flood } from "./flood.mjs";
import { measurePossession } from "./possession.mjs";
import { measureStart } from "./start.mjs";
import { ratio, table, whole } from "./statistics.mjs";
import {
  FIRST_WARM_UP_ROUNDS,
  PROCESSES,
  ROUNDS,
  WARM_UP_ROUNDS,
  addedMicroseconds,
  measure,
  ratioOf,
} from "./throughput.mjs";

/** APIs are measured with the algorithms of most providers. */
const API_ALGORITHMS = ["RS256", "ES256"];

/** @import { Flood } from "./flood.mjs" */
/** @import { Measured } from "./throughput.mjs" */
/** @import { Service } from "./fleet.mjs" */

const PINNED = ["wrangler", "workerd", "jose", "hono", "@tsndr/cloudflare-worker-jwt"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    algorithms: { type: "string" },
    mixes: { type: "string" },
    kind: { type: "string" },
  },
});
const [gate, passThrough, output, results] = positionals;
if (gate === undefined || passThrough === undefined || output === undefined)
  throw new Error("usage: bench.mjs GATE PASS_THROUGH OUTPUT [RESULTS]");
const { algorithms, kind, mixes } = values;
const isWhole = algorithms === undefined && kind === undefined && mixes === undefined;
mkdirSync(output, { recursive: true });

const say = (/** @type {string} */ text) => console.error(`bench: ${text}`);
const all = gateways({ gate, passThrough, output });
/** The gateways whose uploads differ. Some are measured with several configurations. */
const deployed = all.filter(
  ({ name }) => !name.startsWith("portcullis-") && !name.endsWith("-url"),
);
const start = (/** @type {Service[]} */ services) => startFleet(services, output);

const restrictions = {
  ...(algorithms && { algorithms: algorithms.split(",") }),
  ...(mixes && { mixes: mixes.split(",") }),
  say,
};
const measured = ["apis", "possession"].includes(kind ?? "")
  ? []
  : await measure(all, start, restrictions);
const measuredApis = ["gateways", "possession"].includes(kind ?? "")
  ? []
  : await measure(apis({ gate, output }), start, { algorithms: API_ALGORITHMS, ...restrictions });
const parts = ["# Gateways side by side", machine()];
if (measured.length > 0)
  parts.push("## Requests per second", howMeasured(), ...measured.map(section));
if (measuredApis.length > 0)
  parts.push("## APIs that are Workers", howApisMeasured(), ...measuredApis.map(apiSection));
if (isWhole || kind === "possession") {
  const measured = await measurePossession(boundGateways({ gate, output }), start, say);
  parts.push("## Tokens that are bound to a key", measured);
}
if (isWhole) {
  parts.push("## A flood of new tokens", flooded(await flood(all, start, say)));
  parts.push("## Upload and start-up", await uploads());
}
const text = `${parts.join("\n\n")}\n`;
console.log(text);
if (isWhole && results !== undefined) {
  mkdirSync(results, { recursive: true });
  writeFileSync(path.join(results, "gateways.md"), text);
  const titles = all.map(({ name, title }) => [
    name,
    title.replace(/,.*/, "").replace("@tsndr/cloudflare-worker-jwt", "tsndr"),
  ]);
  writeFileSync(path.join(results, "gateways.svg"), chart(groups(), Object.fromEntries(titles)));
}

function machine() {
  const installed = (/** @type {string} */ name) =>
    JSON.parse(readFileSync(path.join(repository, "node_modules", name, "package.json"), "utf8"))
      .version;
  const cpus = os.cpus();
  return [
    `Measured by \`cargo xtask bench gateways\` on ${new Date().toISOString().slice(0, 10)}: ${cpus.length} × ${cpus[0]?.model}, ${os.type()} ${os.arch()};`,
    `load average ${os.loadavg()[0]?.toFixed(1)} at the end;`,
    `${PINNED.map((name) => `${name} ${installed(name)}`).join(", ")}; Node ${process.versions.node} generates the load.`,
    "Ratios are comparable between machines, absolute times are not.",
  ].join("\n");
}

function howMeasured() {
  return [
    `For each algorithm, all gateways and their common origin run in one workerd process, and then in ${PROCESSES - 1} more. Each gateway checks signature, issuer, audience and times.`,
    "Each gateway forwards the request unchanged to a Worker that is bound as a service, like `env.ORIGIN.fetch(request)`. *To another host* is the same gateway in front of a server: it makes another request with another URL and the subject as a header. Its ratio is to jose that does the same. *With an identity* is the same gate that signs a JWT for the origin (`forward.identity`): with cold tokens it signs for each request, with hot tokens it reuses what it has signed.",
    "Tokens have about 700 bytes: **cold** tokens are new, **warm** tokens are each used 20 times, and **hot** tokens are 1,000 tokens in rotation. *Opaque tokens* are 40 tokens in rotation, which the gate has introspected.",
    `Medians of ${PROCESSES} × ${ROUNDS} interleaved rounds after ${WARM_UP_ROUNDS} warm-up rounds (${FIRST_WARM_UP_ROUNDS} with the first mix of each process, while V8 compiles). Ratios`,
    "and differences are calculated within each round. *Generator* is the share of one processor that the load generator used while it waited for the gateway; below 100 % the generator is not the bottleneck. p50 and p99 are the latencies of requests sent one at a time.",
  ].join("\n");
}

/** @param {Measured} measured */
function section({ algorithm, mix, results: rows }) {
  const columns = [
    "gateway",
    "requests/s",
    "× jose",
    "× pass-through",
    "µs over pass-through",
    "µs over Rust's",
    "p50 µs",
    "p99 µs",
    "generator",
  ];
  const cells = [...rows].map(([name, { title, rate, p50, p99, generator }]) => [
    title,
    whole(rate),
    ratio(ratioOf(rows, name, name.endsWith("-url") ? "jose-url" : "jose")),
    ratio(ratioOf(rows, name, "pass-through")),
    whole(addedMicroseconds(rows, name, "pass-through")),
    whole(addedMicroseconds(rows, name, "rust")),
    whole(p50),
    whole(p99),
    `${whole(generator * 100)} %`,
  ]);
  return `### ${algorithm}, ${mix}\n\n${table(columns, cells)}`;
}

function howApisMeasured() {
  return "Each Worker verifies the token as above, and responds by itself with the subject as JSON. There is no origin.";
}

/** @param {Measured} measured */
function apiSection({ algorithm, mix, results: rows }) {
  const columns = ["Worker", "requests/s", "× jose", "µs over no check", "p50 µs", "p99 µs"];
  const cells = [...rows].map(([name, { title, rate, p50, p99 }]) => [
    title,
    whole(rate),
    ratio(ratioOf(rows, name, "jose")),
    whole(addedMicroseconds(rows, name, "answer")),
    whole(p50),
    whole(p99),
  ]);
  return `### ${algorithm}, ${mix}, without an origin\n\n${table(columns, cells)}`;
}

/** @param {Flood} flood */
function flooded({ total, rows }) {
  const cells = rows.map(({ rate, ratio: toFloor, bytes }, index) => [
    `${index * 6} to ${(index + 1) * 6} s`,
    whole(rate),
    ratio(toFloor),
    (bytes / 2 ** 20).toFixed(0),
  ]);
  return `${whole(total)} ES256 tokens in 60 s of load.\n\n${table(["", "requests/s", "× pass-through", "workerd, MiB resident"], cells)}`;
}

async function uploads() {
  const starts = await measureStart(deployed, start, say);
  const cells = await Promise.all(
    starts.map(async ({ gateway, total, request }) => [
      gateway.title,
      ((await gateway.uploadBytes()) / 1024).toFixed(0),
      request.toFixed(1),
      total.toFixed(1),
    ]),
  );
  const columns = [
    "gateway",
    "KiB compressed",
    "ms for the first request",
    "ms from the start of the process to the first response",
  ];
  return `The times are for an RS256 token, and what they are over those of the pass-through in JavaScript. The platform starts an isolate before it hands it a request.\n\n${table(columns, cells)}`;
}

function groups() {
  const shown = ["portcullis", "jose", "hono", "tsndr", "pass-through"];
  return measured.map(({ algorithm, mix, results: rows }) => ({
    label: `${algorithm} ${mix}`,
    bars: shown
      .filter((name) => rows.has(name))
      .map((name) => ({ name, ratio: ratioOf(rows, name, "jose") })),
  }));
}
