import { authenticate } from "./index.js";

/**
 * Makes a middleware that lets only requests pass that the policy admits, and sets their identity
 * as the variable `identity` of the context.
 *
 * @param {Pick<import("./index.js").Gate, "authenticate">} gate By default, the gate of the policy
 *   in the variable `POLICY`.
 * @returns {import("hono").MiddlewareHandler}
 */
export const portcullis = (gate = { authenticate }) =>
  async function portcullis(c, next) {
    const identity = await gate.authenticate(c.req.raw, c.env, c.executionCtx);
    if (identity instanceof Response) return identity;
    c.set("identity", identity);
    await next();
    if (identity.dpopNonce) c.header("DPoP-Nonce", identity.dpopNonce);
  };
