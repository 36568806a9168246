// Hono with its own middleware: `jwt` for secrets, `jwk` for public keys.

import { Hono } from "hono";
import { jwk } from "hono/jwk";
import { jwt } from "hono/jwt";

/** @import { Env } from "./key.mjs" */

/** @typedef {Parameters<typeof jwk>[0]["alg"]} AsymmetricAlgorithms */
/** @typedef {Parameters<typeof jwt>[0]["alg"]} Algorithm */

/** @type {Hono<{Bindings: Env}> | undefined} */
let app;

/**
 * @param {Env} env
 * @returns {Hono<{Bindings: Env}>}
 */
function make({ ALGORITHM, AUDIENCE, ISSUER, JWK, SECRET }) {
  const verification = { aud: AUDIENCE, iss: ISSUER };
  const guard = SECRET
    ? jwt({ alg: /** @type {Algorithm} */ (ALGORITHM), secret: SECRET, verification })
    : jwk({
        alg: /** @type {AsymmetricAlgorithms} */ ([ALGORITHM]),
        keys: [JWK],
        verification,
      });
  /** @type {Hono<{Bindings: Env}>} */
  const made = new Hono();
  return made.use(guard).all("*", async (context) => {
    if (!context.env.IS_API) return context.env.ORIGIN.fetch(context.req.raw);
    return context.json({ subject: /** @type {{sub?: string}} */ (context.get("jwtPayload")).sub });
  });
}

/** @type {ExportedHandler<Env>} */
export default {
  fetch(request, env, context) {
    app ??= make(env);
    return app.fetch(request, env, context);
  },
};
