// Compares the token with what the gate expects at each step, and recognizes common mistakes.

import { gate } from "./gate.js";
import { duration, fromNow, localTime, looksLikeMilliseconds } from "./times.js";
import { fromBase64url } from "./token.js";

/** @import { Issuer, Route, Verdict } from "../console/page.d.ts" */
/** @import { JsonObject } from "./token.js" */

/**
 * What is known about a token that was checked.
 *
 * @typedef {object} Context
 * @property {string} token
 * @property {JsonObject | null} header
 * @property {JsonObject | null} claims
 * @property {number} now In milliseconds.
 * @property {Issuer | undefined} issuer
 * @property {Verdict} verdict
 */

/**
 * The title of each step and the question that the step answers, in the order of `Step::ALL` in
 * `src/refusal/step.rs`.
 *
 * @type {Record<string, [title: string, question: string]>}
 */
export const STEPS = {
  path: ["Path", "Is the path unambiguous, and does a route match it?"],
  found: ["Found", "Is there exactly one token in the places where the policy looks?"],
  parsed: ["Parsed", "Is it a strict compact JWS whose header and payload are JSON objects?"],
  key: ["Key", "Does the route accept its issuer, and does one of the issuer’s keys fit?"],
  signature: ["Signature", "Does the signature verify under that key?"],
  introspection: ["Introspected", "Does the provider say that the token is active?"],
  type: ["Type", "Is it an access token whose registered claims have the right JSON types?"],
  issuer: ["Issuer", "Is iss exactly the issuer that the policy expects?"],
  audience: ["Audience", "Was it issued for this API?"],
  time: ["Time", "Is it valid now?"],
  claims: ["Claims", "Are all required claims present and well-formed?"],
  possession: ["Possession", "Does the client have the token's key?"],
  revocation: ["Revocation", "Has it been revoked?"],
  route: ["Route", "Does it meet the requirements of the route?"],
  forward: ["Forward", "Can the request be sent to the origin?"],
};

/** @typedef {{token?: string | null, gate?: string | null, hint?: string}} Evidence */

/**
 * Returns what to show beside a step.
 *
 * @param {string} name
 * @param {Context} context
 * @returns {Evidence}
 */
export function evidence(name, context) {
  // The claims of an introspected token are those that the provider returns.
  const claims = context.verdict.introspected ?? context.claims;
  return (EVIDENCE[name] ?? (() => ({})))({ ...context, claims });
}

/** @type {Record<string, (context: Context) => Evidence>} */
const EVIDENCE = {
  parsed: (context) => ({
    hint: signatureHint(context),
    token: context.header ? describeHeader(context.header) : undefined,
  }),
  key: ({ header, claims, issuer, verdict }) => {
    // The gate looks up the issuer by `iss` before it selects a key.
    if (verdict.refusal?.code === "unknown_issuer") {
      const accepted = acceptedIssuers(verdict.route);
      return {
        token: claimText(claims, "iss"),
        gate: expected(accepted),
        hint: nearMiss(claims?.iss, accepted),
      };
    }
    return {
      token: header
        ? `alg ${text(header.alg)}, ${"kid" in header ? `kid ${text(header.kid)}` : "no kid"}`
        : undefined,
      gate: issuer ? describeKeys(issuer) : undefined,
    };
  },
  signature: (context) => ({
    token: context.header ? text(context.header.alg) : undefined,
    gate: context.verdict.key,
    hint: signatureHint(context),
  }),
  introspection: ({ issuer, verdict }) => ({
    token: verdict.introspected && `introspected\n${JSON.stringify(verdict.introspected, null, 2)}`,
    gate: issuer?.introspection?.endpoint,
  }),
  type: ({ header }) => ({ token: header && "typ" in header ? text(header.typ) : "no typ" }),
  issuer: ({ claims, issuer }) => ({
    token: claimText(claims, "iss"),
    gate: expected(issuer?.issuer),
    hint: nearMiss(claims?.iss, issuer?.issuer),
  }),
  audience: ({ claims, issuer }) => ({
    token: claimText(claims, "aud"),
    gate: expected(issuer?.audience),
    hint: nearMiss(claims?.aud, issuer?.audience),
  }),
  time: ({ claims, now }) => ({ token: describeTimes(claims, now), hint: timeHint(claims, now) }),
  route: ({ claims, verdict }) => ({
    token: describeGrants(claims),
    gate: describeRequirements(verdict.route),
  }),
};

/** @param {string[]} [values] */
const expected = (values) => (values?.includes("*") ? "any" : values?.join("\n"));

/**
 * The values of `iss` that a route accepts.
 *
 * @param {Route | null} [route]
 */
function acceptedIssuers(route) {
  const names = route?.issuers ?? [];
  return gate.issuers
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap(({ issuer }) => issuer);
}

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "absent"));

/**
 * @param {JsonObject | null} claims
 * @param {string} name
 */
function claimText(claims, name) {
  if (!claims) return undefined;
  const value = claims[name];
  return Array.isArray(value) ? value.map(text).join("\n") : text(value);
}

/** @param {Issuer} issuer */
function describeKeys({ algorithms, source, keys }) {
  if (source === "secret") return `${algorithms.join(", ")}, a shared secret`;
  return [
    algorithms.join(", "),
    ...keys.map(({ kid, kind }) => `${kind}, ${kid === null ? "no kid" : `kid ${kid}`}`),
  ].join("\n");
}

/**
 * @param {JsonObject | null} claims
 * @param {number} now in milliseconds
 */
function describeTimes(claims, now) {
  if (!claims) return undefined;
  const parts = ["nbf", "iat", "exp"].flatMap((name) => {
    const seconds = claims[name];
    if (typeof seconds !== "number") return [];
    const local = localTime(seconds);
    return [`${name} ${fromNow(seconds - now / 1000)}${local ? ` (${local})` : ""}`];
  });
  return parts.length > 0 ? parts.join("\n") : "no exp, nbf or iat";
}

/**
 * @param {JsonObject | null} claims
 * @param {number} now in milliseconds
 */
function timeHint(claims, now) {
  const wrong = ["exp", "nbf", "iat"].find((name) => looksLikeMilliseconds(claims?.[name]));
  if (wrong) return `${wrong} is probably in milliseconds. RFC 7519 counts seconds since 1970.`;
  const exp = claims?.exp;
  if (typeof exp === "number" && exp <= now / 1000)
    return `It expired ${duration(now / 1000 - exp)} ago. Request a new token from the issuer.`;
  return undefined;
}

/**
 * Names the difference if a value differs from an expected one only in details that are easy to
 * overlook.
 *
 * @param {unknown} value
 * @param {string[]} [expected]
 */
function nearMiss(value, expected = []) {
  /** @type {unknown[]} */
  const values = Array.isArray(value) ? value : [value];
  const pairs = values
    .filter((one) => typeof one === "string")
    .flatMap((one) => expected.filter((other) => other !== one).map((other) => [one, other]));
  const alike = (/** @type {(text: string) => string} */ normalize) =>
    pairs.some(([one = "", other = ""]) => normalize(one) === normalize(other));
  const bare = (/** @type {string} */ one) => one.replace(/\/+$/, "");
  if (alike(bare))
    return "They differ only in a trailing slash. The comparison is exact (RFC 7519 section 2).";
  if (alike((one) => one.toLowerCase()))
    return "They differ only in case. The comparison is exact.";
  if (alike((one) => one.trim())) return "They differ only in whitespace.";
  if (alike((one) => bare(one.replace(/^https?:\/\//, "").toLowerCase())))
    return "They differ only in the scheme or a trailing slash. The comparison is exact.";
  return undefined;
}

/** @param {JsonObject} header */
function describeHeader(header) {
  return ["alg", "typ", "kid"]
    .filter((name) => name in header)
    .map((name) => `${name} ${text(header[name])}`)
    .join(", ");
}

/** @param {Context} context */
function signatureHint({ token, header, verdict }) {
  const bytes = fromBase64url(token.split(".")[2] ?? "")?.length;
  const alg = String(header?.alg);
  const wanted = verdict.signature_bytes;
  if (bytes === undefined || typeof wanted !== "number" || bytes === wanted) return undefined;
  const lengths = `An ${alg} signature has ${wanted} bytes; this one has ${bytes}.`;
  return alg.startsWith("ES") && bytes > wanted
    ? `${lengths} It is probably in DER format, which JWS does not use (RFC 7518 section 3.4).`
    : `${lengths} Was the token truncated while it was copied?`;
}

/** @param {JsonObject | null} claims */
function describeGrants(claims) {
  if (!claims) return undefined;
  const found = ["scope", "scp", "roles", "acr"]
    .filter((name) => name in claims)
    .map((name) => `${name} ${text(claims[name])}`);
  return found.length > 0 ? found.join("\n") : "no scope";
}

/**
 * Lists what a route requires of a token, one requirement per line.
 *
 * @param {Route | null} [route]
 */
export function describeRequirements(route) {
  if (!route) return undefined;
  if (route.access === "public") return "no token: the route is public";
  const list = (/** @type {string} */ label, /** @type {string[]} */ values) =>
    values.length > 0 ? [`${label} ${values.join(", ")}`] : [];
  const all = [
    ...list("scopes", route.scopes),
    ...list("any scope of", route.any_scope),
    ...list("roles", route.roles),
    ...list("any role of", route.any_role),
    ...list("issuers", route.issuers),
    ...list("acr", route.acr),
    ...(route.max_auth_age ? [`a login at most ${duration(route.max_auth_age)} ago`] : []),
    ...route.claims,
  ];
  if (all.length > 0) return all.join("\n");
  return route.access === "optional" ? "a valid token or none" : "a valid token";
}
