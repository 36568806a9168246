// A second test reporter that prints only the names of the failed tests, one per line, so that they
// are easy to find at the end of a long run.

import path from "node:path";

/** @import { TestEvent } from "node:test/reporters" */

/** @param {AsyncIterable<TestEvent>} events */
export default async function* failures(events) {
  /**
   * The names of the suites around the current test, by file. The events of several files are
   * interleaved.
   *
   * @type {Map<string, string[]>}
   */
  const around = new Map();
  for await (const { type, data } of events) {
    if (type !== "test:start" && type !== "test:fail") continue;
    const file = data.file ?? "";
    const names = around.get(file) ?? [];
    names.length = data.nesting;
    names[data.nesting] = data.name;
    around.set(file, names);
    // A suite fails if one of its tests fails. Its name is already part of the test's line.
    if (type !== "test:fail") continue;
    const error = /** @type {{failureType?: string} | undefined} */ (data.details.error);
    if (error?.failureType !== "subtestsFailed") {
      yield `${path.relative(process.cwd(), file)}: ${names.join(" > ").replace(/\s+/g, " ")}\n`;
    }
  }
}
