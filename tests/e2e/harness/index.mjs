// The parts of the harness that the end-to-end tests import.

export { onlyChallenge, parseChallenges } from "./challenge.mjs";
export { answersTo, assertUnavailable, strangers } from "./floods.mjs";
export { gateTest, providerTest, startGate, withGate } from "./gate.mjs";
export { BoundClient, introspecting, keysOf } from "./introspecting.mjs";
export { resident } from "./memory.mjs";
export { startOrigin } from "./origin.mjs";
export { builtWorker, page, repository, scriptWorker } from "./paths.mjs";
export * as policies from "./policies.mjs";
export {
  COOLDOWN,
  failures,
  GATE_SECRET,
  INTROSPECTION,
  JWKS,
  METADATA,
  OPAQUE_AUDIENCE,
  STALE,
  startProvider,
} from "./provider.mjs";
export {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  INVALID,
  INVALID_REQUEST,
} from "./answers.mjs";
export { ResponseReader, requestBytes } from "./socket.mjs";
export * as tokens from "./tokens.mjs";
export { bounded, signal } from "./waiting.mjs";
