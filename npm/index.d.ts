// The types of the package's main module, which `cargo xtask build` makes.

import type { Policy } from "./policy.js";

export type * from "./policy.js";

/** What the gate needs of the runtime's `ExecutionContext`. */
export interface WaitUntil {
  waitUntil(promise: Promise<unknown>): void;
}

/** The claims of a verified token (RFC 7519 section 4). A claim may have any JSON value. */
export interface Claims {
  iss?: string;
  sub?: string;
  aud?: string | string[];
  exp?: number;
  nbf?: number;
  iat?: number;
  jti?: string;
  [claim: string]: unknown;
}

/** The identity of a request that the policy admits. */
export interface Identity {
  /**
   * The verified claims. `null` if the request is anonymous: on a public route, without a token
   * where the route allows that, and if report mode has set a refusal aside.
   */
  claims: Claims | null;
  /** The token's scopes (RFC 6749 section 3.3). Empty if the request is anonymous. */
  scopes: string[];
  /** The policy's name for the issuer of the token. `null` if the request is anonymous. */
  issuer: string | null;
  /** The pattern of the route, as the policy writes it. */
  route: string;
  /**
   * The headers that the gate would set in the request to an upstream. They may contain secrets,
   * if the policy has `forward.headers`.
   */
  headers: Headers;
  /**
   * The value of the header `DPoP-Nonce` to send with the response, if the client's nonce is about
   * to expire; `null` otherwise.
   */
  dpopNonce: string | null;
}

/**
 * Judges a request without forwarding it. Resolves with the identity, or with the response to send:
 * a refusal, or what the gate responds itself, such as its metadata or the response to a preflight.
 * The policy needs no `origin`.
 */
export type Authenticate = (
  request: Request,
  env: unknown,
  context: WaitUntil,
) => Promise<Identity | Response>;

/** A gate with a policy of its own. */
export interface Gate {
  /** Forwards the request to the policy's `origin`, or refuses it. */
  fetch(request: Request, env: unknown, context: WaitUntil): Promise<Response>;
  authenticate: Authenticate;
}

/**
 * The class of the Durable Objects that record DPoP proofs, for `dpop.replay` in the policy. Export
 * it from the Worker's main module.
 */
export class ProofReplay {
  constructor(state: unknown);
  fetch(request: Request): Promise<Response>;
  alarm(): Promise<void>;
}

/** {@link Authenticate} by the policy in the variable `POLICY`. */
export const authenticate: Authenticate;

/** The policies of a gate. */
export interface Policies {
  /** The policy that is enforced, of at most 256 KiB as JSON. */
  policy: Policy;
  /** A candidate policy in shadow mode: it only logs requests that it would judge differently. */
  candidate?: Policy;
}

/**
 * Makes a gate whose policy is in the code instead of the variable `POLICY`. Secrets and services
 * still come from `env`. The policy is compiled with the first request. If it is invalid, every
 * request gets a 500, and the log names each fault.
 */
export function createGate(policies: Policies): Gate;

/** The gate of the policy in the variable `POLICY`, as a Worker. */
declare const gate: {
  fetch(request: Request, env: unknown, context: WaitUntil): Response | Promise<Response>;
};

export default gate;
