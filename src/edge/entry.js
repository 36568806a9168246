// The Worker's entry, and the main module of the npm package. It calls the Rust handler directly.
// After a trap, the code that wasm-bindgen generates around every call into the module replaces the
// module's instance.

import { env as globalEnv } from "cloudflare:workers";
import { handle, handleBy, prepare as prepareIn } from "./index.js";

/** @import { Given } from "./index.js" */
/** @typedef {Record<string, unknown>} Env */

export { ProofReplay } from "./replay.js";

/**
 * Loads the policies of a gate while the isolate starts. If that fails, the first request does it,
 * and responds with the failure: a fault must never keep a Worker from being deployed.
 *
 * @param {number} id
 * @param {Given} [given]
 */
function prepare(id, given) {
  try {
    prepareIn(
      id,
      given,
      /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (globalEnv)),
    );
  } catch {
    // The first request reports it.
  }
}

prepare(0);

export default { fetch: handle };

/**
 * Judges a request by the policy in the variable POLICY, without forwarding it. Resolves with the
 * identity, or with the response to send.
 *
 * @param {Request} request
 * @param {Env} env
 * @param {ExecutionContext} context
 */
export async function authenticate(request, env, context) {
  return handleBy(0, undefined, true, request, env, context);
}

/**
 * The policies that were given, by their texts, so that the same policy always makes the same gate.
 * Rust makes the gate of an ID again if its instance had to be replaced.
 *
 * @type {Map<string, [id: number, given: Given]>}
 */
const gates = new Map();

/**
 * Makes a gate with a policy of its own.
 *
 * @param {{policy: object, candidate?: object}} policies
 */
export function createGate({ policy, candidate }) {
  const given = { policy: JSON.stringify(policy), candidate: JSON.stringify(candidate) };
  const key = JSON.stringify(given);
  const [id, known] = gates.get(key) ?? [gates.size + 1, given];
  gates.set(key, [id, known]);
  prepare(id, known);

  /**
   * @param {boolean} authenticates
   * @returns {(request: Request, env: Env, context: ExecutionContext) => Promise<object>}
   */
  const handler = (authenticates) => async (request, env, context) =>
    handleBy(id, known, authenticates, request, env, context);
  return { fetch: handler(false), authenticate: handler(true) };
}
