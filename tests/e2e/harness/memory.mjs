// The memory of the runtime.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";

/**
 * Returns the resident memory of the workerd processes that this test has started, or `undefined`
 * if the system has no /proc.
 */
export function resident() {
  if (!existsSync("/proc/self/status")) return undefined;
  const status = (/** @type {string} */ id) => {
    try {
      return readFileSync(`/proc/${id}/status`, "utf8");
    } catch {
      return ""; // The process has ended in the meantime.
    }
  };
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const own = ids
    .map(status)
    .filter((text) => new RegExp(`^PPid:\\s+${process.pid}$`, "m").test(text));
  const workerds = own.filter((text) => /^Name:\s+workerd$/m.test(text));
  assert.ok(workerds.length > 0, "no workerd is a child of this process");
  return workerds.reduce(
    (sum, text) => sum + 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0),
    0,
  );
}
