// Times the gateways side by side, and writes what comes out as a table and a chart. Its arguments: the folder of the
// built gate, that of the pass-through in Rust, one for what it makes, and one for the results. `--algorithms` and
// `--mixes`, separated by commas, measure less; then, as without a folder for them, the results are only printed.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { repository } from "../../tests/e2e/harness/paths.mjs";
import { chart } from "./chart.mjs";
import { gateways, startFleet } from "./fleet.mjs";
import { flood } from "./flood.mjs";
import { measureStart } from "./start.mjs";
import { ratio, table, whole } from "./statistics.mjs";
import {
  FIRST_WARM_UP_ROUNDS,
  ROUNDS,
  WARM_UP_ROUNDS,
  addedMicroseconds,
  measure,
  ratioOf,
} from "./throughput.mjs";

const PINNED = ["wrangler", "workerd", "jose", "hono", "@tsndr/cloudflare-worker-jwt"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { algorithms: { type: "string" }, mixes: { type: "string" } },
});
const [gate, passThrough, output, results] = positionals;
const isWhole = values.algorithms === undefined && values.mixes === undefined;
mkdirSync(output, { recursive: true });

const say = (text) => console.error(`bench: ${text}`);
const all = gateways({ gate, passThrough, output });
/** Each once that is uploaded: the gate has two policies. */
const deployed = all.filter(({ name }) => name !== "portcullis-url");
const start = (services) => startFleet(services, output);

const measured = await measure(all, start, {
  ...(values.algorithms && { algorithms: values.algorithms.split(",") }),
  ...(values.mixes && { mixes: values.mixes.split(",") }),
  say,
});
const parts = [
  "# Gateways side by side",
  machine(),
  "## Requests a second",
  howMeasured(),
  ...measured.map(section),
];
if (isWhole) {
  parts.push("## A flood of tokens never seen before", flooded(await flood(all, start, say)));
  parts.push("## Upload and start-up", await uploads(await measureStart(deployed, start, say)));
}
const text = `${parts.join("\n\n")}\n`;
console.log(text);
if (isWhole && results !== undefined) {
  mkdirSync(results, { recursive: true });
  writeFileSync(path.join(results, "gateways.md"), text);
  writeFileSync(
    path.join(results, "gateways.svg"),
    chart(
      groups(),
      Object.fromEntries(
        all.map(({ name, title }) => [
          name,
          title.split(",")[0].replace("@tsndr/cloudflare-worker-jwt", "tsndr"),
        ]),
      ),
    ),
  );
}

function machine() {
  const installed = (name) =>
    JSON.parse(readFileSync(path.join(repository, "node_modules", name, "package.json"), "utf8"))
      .version;
  const cpus = os.cpus();
  return [
    `Made by \`cargo xtask bench gateways\` on ${new Date().toISOString().slice(0, 10)}: ${cpus.length} × ${cpus[0].model}, ${os.type()} ${os.arch()};`,
    `load average ${os.loadavg()[0].toFixed(1)} at its end;`,
    `${PINNED.map((name) => `${name} ${installed(name)}`).join(", ")}; Node ${process.versions.node} makes the load.`,
    "Ratios hold from machine to machine, times do not.",
  ].join("\n");
}

function howMeasured() {
  return [
    "All in one workerd process, with the same origin in it; each gateway checks signature, issuer, audience and times.",
    "All hand the request on as it came, to a Worker bound as a service, as `env.ORIGIN.fetch(request)` does; *to another host*: the same gate in front of a server, for which it makes another request, with a URL and headers of its own, and keeps shared caches out.",
    "Tokens of some 700 bytes: **cold**, none was seen before; **warm**, each is used 20 times; **hot**, 1,000 over and over.",
    `Medians of ${ROUNDS} interleaved rounds after ${WARM_UP_ROUNDS} to warm up (${FIRST_WARM_UP_ROUNDS} with each algorithm's first mix, while V8 compiles); ratios`,
    "and differences are taken within a round. *Generator*: how much of one processor the load's own process used while it waited for that gateway: below 100 % it is not what limits. p50 and p99 are of requests sent one at a time.",
  ].join("\n");
}

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
    ratio(ratioOf(rows, name, "jose")),
    ratio(ratioOf(rows, name, "pass-through")),
    whole(addedMicroseconds(rows, name, "pass-through")),
    whole(addedMicroseconds(rows, name, "rust")),
    whole(p50),
    whole(p99),
    `${whole(generator * 100)} %`,
  ]);
  return `### ${algorithm}, ${mix}\n\n${table(columns, cells)}`;
}

function flooded({ total, rows }) {
  const cells = rows.map(({ rate, ratio: toFloor, bytes }, index) => [
    `${index * 6} to ${(index + 1) * 6} s`,
    whole(rate),
    ratio(toFloor),
    (bytes / 2 ** 20).toFixed(0),
  ]);
  return `${whole(total)} ES256 tokens in 60 s of load.\n\n${table(["", "requests/s", "× pass-through", "workerd, MiB resident"], cells)}`;
}

async function uploads(starts) {
  const cells = await Promise.all(
    deployed.map(async (gateway, index) => [
      gateway.title,
      ((await gateway.uploadBytes()) / 1024).toFixed(0),
      starts[index].milliseconds.toFixed(1),
    ]),
  );
  const columns = [
    "gateway",
    "KiB compressed",
    "ms from the process's start to the first answer, over the pass-through in JavaScript",
  ];
  return table(columns, cells);
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
