// A reporter beside the usual one: only the names of the tests that failed, one a line, for the end of a long run.

import path from "node:path";

export default async function* failures(events) {
  // The suites around a test, by file: events of several files come interleaved.
  const around = new Map();
  for await (const { type, data } of events) {
    if (type !== "test:start" && type !== "test:fail") continue;
    const file = data.file ?? "";
    const names = around.get(file) ?? [];
    names.length = data.nesting;
    names[data.nesting] = data.name;
    around.set(file, names);
    // A suite fails with each of its tests, and its name stands before theirs.
    if (type === "test:fail" && data.details.error?.failureType !== "subtestsFailed") {
      yield `${path.relative(process.cwd(), file)}: ${names.join(" > ").replace(/\s+/g, " ")}\n`;
    }
  }
}
