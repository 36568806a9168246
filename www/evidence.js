// What the token says beside what the gate takes, step by step, and mistakes that are often made.

import { fromNow, lasting, local, looksLikeMilliseconds } from "./times.js";
import { fromBase64url } from "./token.js";

/**
 * What is known about a token that was judged.
 *
 * @typedef {{token: string, header: Record<string, any> | null, claims: Record<string, any> | null, now: number,
 *   issuer?: import("./gate.js").Issuer, verdict: import("./gate.js").Verdict}} Context
 */

/** Each step's name, and what it asks. The order is the verdict's. @type {Record<string, [string, string]>} */
export const STEPS = {
  path: ["Path", "Can the path be read in one way only, and does a route take it?"],
  found: ["Found", "Is there exactly one token, where the policy looks for it?"],
  parsed: ["Parsed", "Is it a strict compact JWS over JSON objects?"],
  issuer: ["Issuer", "Is iss an issuer that this gate knows and the route admits?"],
  key: ["Key picked", "Does a key of the issuer fit the token’s header?"],
  signature: ["Signature", "Was it signed with that key, and left unchanged since?"],
  type: ["Type", "Is it an access token?"],
  audience: ["Audience", "Was it issued for this API?"],
  time: ["Time", "Is it valid now?"],
  claims: ["Claims", "Is every claim there that is required, in the right form?"],
  revocation: ["Revocation", "Has it been revoked?"],
  route: ["Route", "May its bearer do this on this route?"],
  forward: ["Forward", "Can what goes on to the origin be written?"],
};

/** @typedef {{token?: string | null, gate?: string, hint?: string}} Evidence */

/** What to show beside a step. @param {string} name @param {Context} context @returns {Evidence} */
export function evidence(name, context) {
  return (EVIDENCE[name] ?? (() => ({})))(context);
}

/** @type {Record<string, (context: Context) => Evidence>} */
const EVIDENCE = {
  parsed: ({ token, header }) => ({
    hint: signatureHint(token, header),
    token: header
      ? ["alg", "typ", "kid"]
          .filter((name) => name in header)
          .map((name) => `${name} ${text(header[name])}`)
          .join(", ")
      : undefined,
  }),
  issuer: ({ claims, issuer }) => ({
    token: said(claims, "iss"),
    gate: expected(issuer?.issuer),
    hint: nearMiss(claims?.iss, issuer?.issuer),
  }),
  key: ({ header, issuer }) => ({
    token: header
      ? `alg ${text(header.alg)}, ${"kid" in header ? `kid ${text(header.kid)}` : "no kid"}`
      : undefined,
    gate: issuer ? keysInWords(issuer) : undefined,
  }),
  signature: ({ token, header, verdict }) => ({
    token: header ? text(header.alg) : undefined,
    gate: verdict.key,
    hint: signatureHint(token, header),
  }),
  audience: ({ claims, issuer }) => ({
    token: said(claims, "aud"),
    gate: expected(issuer?.audience),
    hint: nearMiss(claims?.aud, issuer?.audience),
  }),
  time: ({ claims, now }) => ({ token: timesInWords(claims, now), hint: timeHint(claims, now) }),
  type: ({ header }) => ({ token: header && "typ" in header ? text(header.typ) : "no typ" }),
  route: ({ claims, verdict }) => ({ token: grants(claims), gate: demands(verdict.route) }),
};

/** @param {string[]} [values] */
const expected = (values) => (values?.includes("*") ? "any" : values?.join("\n"));

/** @param {any} value */
const text = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "absent"));

/** @param {Record<string, any> | null} claims @param {string} name */
function said(claims, name) {
  if (!claims) return undefined;
  const value = claims[name];
  return Array.isArray(value)
    ? value.map(text).join("\n")
    : value === undefined
      ? "absent"
      : text(value);
}

/** @param {import("./gate.js").Issuer} issuer */
function keysInWords({ algorithms, source, keys }) {
  if (source === "secret") return `${algorithms.join(", ")}, a shared secret`;
  return [
    algorithms.join(", "),
    ...keys.map(({ kid, kind }) => `${kind}, ${kid === undefined ? "no kid" : `kid ${kid}`}`),
  ].join("\n");
}

/** @param {Record<string, any> | null} claims @param {number} now in milliseconds */
function timesInWords(claims, now) {
  if (!claims) return undefined;
  const parts = ["nbf", "iat", "exp"]
    .filter((name) => typeof claims[name] === "number")
    .map(
      (name) =>
        `${name} ${fromNow(claims[name] - now / 1000)}${local(claims[name]) ? ` (${local(claims[name])})` : ""}`,
    );
  return parts.length > 0 ? parts.join("\n") : "no exp, nbf or iat";
}

/** @param {Record<string, any> | null} claims @param {number} now in milliseconds */
function timeHint(claims, now) {
  const wrong = ["exp", "nbf", "iat"].find((name) => looksLikeMilliseconds(claims?.[name]));
  if (wrong) return `${wrong} looks like milliseconds: RFC 7519 counts seconds since 1970.`;
  const exp = claims?.exp;
  if (typeof exp === "number" && exp <= now / 1000)
    return `It expired ${lasting(now / 1000 - exp)} ago. Ask the issuer for a new one.`;
  return undefined;
}

/** Differences that the eye passes over. @param {any} value @param {string[]} [expected] */
export function nearMiss(value, expected = []) {
  const values = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");
  const pairs = values.flatMap((one) =>
    expected.filter((other) => other !== one).map((other) => [one, other]),
  );
  const alike = (/** @type {(text: string) => string} */ how) =>
    pairs.some(([one, other]) => how(one) === how(other));
  const bare = (/** @type {string} */ one) => one.replace(/\/+$/, "");
  if (alike(bare))
    return "They differ in a trailing slash only. The comparison is exact (RFC 7519 section 2, StringOrURI).";
  if (alike((one) => one.toLowerCase()))
    return "They differ in upper and lower case only. The comparison is exact.";
  if (alike((one) => one.trim())) return "They differ in white space only.";
  if (alike((one) => bare(one.replace(/^https?:\/\//, "").toLowerCase())))
    return "They differ in the scheme or a trailing slash only. The comparison is exact.";
  return undefined;
}

/** Length in bytes of each signature that has one length. @type {Record<string, number>} */
const SIGNATURE_BYTES = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
  ES256: 64,
  ES384: 96,
  ES512: 132,
  ES256K: 64,
  EdDSA: 64,
  Ed25519: 64,
};

/** @param {string} token @param {Record<string, any> | null} header */
function signatureHint(token, header) {
  const bytes = fromBase64url(token.split(".")[2] ?? "")?.length;
  const wanted = SIGNATURE_BYTES[header?.alg];
  if (bytes === undefined || wanted === undefined || bytes === wanted) return undefined;
  if (String(header?.alg).startsWith("ES") && bytes > wanted)
    return `An ${header?.alg} signature is ${wanted} bytes; this is ${bytes}. It looks like DER, which JWS does not use (RFC 7518 section 3.4).`;
  return `An ${header?.alg} signature is ${wanted} bytes; this is ${bytes}. Was the token cut off while it was copied?`;
}

/** @param {Record<string, any> | null} claims */
function grants(claims) {
  if (!claims) return undefined;
  const found = ["scope", "scp", "roles", "acr"]
    .filter((name) => name in claims)
    .map((name) => `${name} ${text(claims[name])}`);
  return found.length > 0 ? found.join("\n") : "no scope";
}

/** What a route asks of a token. @param {import("./gate.js").Route} [route] */
export function demands(route) {
  if (!route) return undefined;
  if (route.access === "public") return "nothing: it is public";
  const list = (/** @type {string} */ label, /** @type {any} */ of) =>
    of?.length > 0 ? [`${label} ${of.join(", ")}`] : [];
  const all = [
    ...list("scopes", route.scopes),
    ...list("any scope of", route.any_scope),
    ...list("roles", route.roles),
    ...list("any role of", route.any_role),
    ...list("issuers", route.issuers),
    ...list("acr", route.acr),
    ...(route.max_auth_age ? [`signed in at most ${lasting(route.max_auth_age)} ago`] : []),
    ...(route.claims ?? []),
  ];
  return all.length > 0
    ? all.join("\n")
    : route.access === "optional"
      ? "a good token, or none"
      : "a good token";
}
