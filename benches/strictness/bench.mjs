// Judges the corpus with every subject, and writes the results. The arguments are the program that
// was built from native/, a folder for intermediate files, and the file for the results.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeCorpus } from "./corpus.mjs";
import {
  applies,
  isUndocumented,
  isWronglyAccepted,
  isWronglyRejected,
  report,
} from "./report.mjs";
import { judge } from "./run.mjs";
import { subjects } from "./subjects.mjs";

/** @import { Result } from "./report.mjs" */

const [, , native, output, file] = process.argv;
if (native === undefined || output === undefined || file === undefined)
  throw new Error("usage: bench.mjs NATIVE OUTPUT FILE");

const corpus = makeCorpus();
mkdirSync(output, { recursive: true });
const written = path.join(output, "corpus.json");
writeFileSync(written, JSON.stringify(corpus, null, 1));
console.error(`bench: ${corpus.cases.length} tokens, in ${written}`);

/** @type {Result[]} */
const results = [];
for (const subject of await subjects(native)) {
  const { command, name, skipped, version } = subject;
  const outcomes = command && (await judge(command, written, corpus.cases.length));
  results.push({ subject, outcomes });
  if (outcomes === undefined) {
    console.error(`bench: ${name} is skipped: ${skipped}`);
    continue;
  }
  const counts = [isWronglyAccepted, isWronglyRejected, isUndocumented].map(
    (is) =>
      corpus.cases.filter((one, index) => applies(subject, one) && is(one, outcomes[index])).length,
  );
  console.error(
    `bench: ${name} ${version}: ${counts[0]} wrongly accepted, ${counts[1]} wrongly rejected, ${counts[2]} undocumented errors`,
  );
}
writeFileSync(
  path.join(output, "outcomes.json"),
  JSON.stringify(
    Object.fromEntries(results.map(({ subject, outcomes }) => [subject.name, outcomes])),
    null,
    1,
  ),
);
writeFileSync(file, `${report(corpus.cases, results)}\n`);
console.error(`bench: wrote ${file}`);
