import type { MiddlewareHandler } from "hono";
import type { Gate, Identity } from "./index.js";

/** The variables that the middleware sets. */
export interface PortcullisVariables {
  /** The identity of the request. */
  identity: Identity;
}

declare module "hono" {
  interface ContextVariableMap extends PortcullisVariables {}
}

/**
 * Makes a middleware that lets only requests pass that the policy admits, and sets their identity
 * as the variable `identity` of the context. Other requests get the gate's response: a refusal, its
 * metadata, or the response to a preflight.
 *
 * @param gate By default, the gate of the policy in the variable `POLICY`.
 */
export function portcullis(gate?: Pick<Gate, "authenticate">): MiddlewareHandler;
