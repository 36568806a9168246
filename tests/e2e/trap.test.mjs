// After a trap, the WebAssembly instance may be corrupt, so the next request gets a new instance.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertRefused,
  builtWorker,
  gateTest,
  policies,
} from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

/**
 * The gate, with a request header that makes it trap. The thrown error is the one that the
 * WebAssembly instruction `unreachable` throws.
 */
const TRAPPED = `
import gate from "./index.js";

export default {
  fetch(request, env, context) {
    if (!request.headers.has("X-Test-Trap")) return gate.fetch(request, env, context);
    const instance = globalThis.__worker_init_state.instanceId;
    const trap = { get method() { throw new WebAssembly.RuntimeError("unreachable"); } };
    try {
      gate.fetch(trap, env, context);
    } catch (fault) {
      return Response.json({ instance, cause: String(fault.cause ?? fault) });
    }
    return Response.json({ instance });
  },
};`;

gateTest(
  "a trap does not affect the requests after it",
  ({ origin }) => ({
    modules: [{ name: "trapped.js", type: "esm", contents: TRAPPED }, ...builtWorker()],
    policy: hs256({ origin }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/before"), origin);
    for (const instance of [1, 2]) {
      const trapped = await (
        await gate.fetch("/api/trapped", { headers: { "X-Test-Trap": "1" } })
      ).json();
      assert.deepEqual(trapped, { instance, cause: "RuntimeError: unreachable" });
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/after"), origin);
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/after"), origin);
    }
    await assertRefused(await gate.fetch("/api/without"), 401);
  },
);
