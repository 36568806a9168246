// The floor of the measurement: a Worker that forwards every request without looking at it.

/** @import { Env } from "./key.mjs" */

/** @type {ExportedHandler<Env>} */
export default {
  fetch: (request, env) => env.ORIGIN.fetch(request),
};
