// Runs a subject over the corpus in a process of its own.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long a token may take, in milliseconds, before the process is ended. */
const LIMIT = 20_000;

/**
 * What a subject did with a token.
 *
 * @typedef {object} Outcome
 * @property {boolean} accepted
 * @property {string} [error] The name of the error or reason, if it was rejected.
 * @property {boolean} [undocumented] Whether it failed in a way that its documentation does not
 *   announce.
 */

/**
 * Judges the corpus. A token that ends or blocks the process counts as rejected in an undocumented
 * way, and a new process goes on after it.
 *
 * @param {string[]} command
 * @param {string} file with the corpus
 * @param {number} count the number of cases
 * @returns {Promise<Outcome[]>}
 */
export async function judge(command, file, count) {
  /** @type {Outcome[]} */
  const outcomes = [];
  while (outcomes.length < count) {
    const before = outcomes.length;
    const ended = await runFrom(command, file, outcomes);
    if (outcomes.length === count) break;
    if (before === 0 && outcomes.length === 0)
      throw new Error(`${command.join(" ")} judged no token: ${ended}`);
    outcomes.push({ accepted: false, error: ended, undocumented: true });
  }
  return outcomes;
}

/**
 * Runs one process, and returns how it ended.
 *
 * @param {string[]} command
 * @param {string} file
 * @param {Outcome[]} outcomes
 * @returns {Promise<string>}
 */
function runFrom([program = "", ...options], file, outcomes) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...options, file, String(outcomes.length)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let isLate = false;
    let written = "";
    const watch = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, LIMIT);
    child.stderr.on("data", (data) => (written = `${written}${data}`.slice(-2000)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { index, ...outcome } = JSON.parse(line);
      if (index !== outcomes.length) {
        child.kill("SIGKILL");
        reject(new Error(`${program} printed case ${index} instead of ${outcomes.length}`));
        return;
      }
      outcomes.push(outcome);
      watch.refresh();
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(watch);
      if (isLate) resolve("no answer");
      else if (outcomes.length === 0) reject(new Error(`${program} failed: ${written}`));
      else resolve(`the process ended (${signal ?? code})`);
    });
  });
}
