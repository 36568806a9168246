// Policies for tests, and tokens that satisfy them.

import * as tokens from "./tokens.mjs";

/** @import { Issuer, Keys, Policy, Route } from "../../../policy.d.ts" */
/** @import { Provider } from "./provider.mjs" */
/** @import { Parts } from "./tokens.mjs" */

/**
 * A policy with at least one issuer.
 *
 * @typedef {Policy & {issuers: [Issuer, ...Issuer[]], routes: Route[]}} TestPolicy
 */
/**
 * Replaces top-level keys of a policy. The type allows invalid policies, which tests need.
 *
 * @typedef {Record<string, unknown>} Changes
 */
/** @typedef {{url: string} | string} OriginOrUrl */

export const ISSUER = "https://issuer.example/";
export const AUDIENCE = "https://api.example.com";
export const SECRET = "correct horse battery staple, and a few more words to spare";
export const REALM = "api";

/** The secret of {@link KEY_CACHE}. */
export const KEY_CACHE_SECRET = "what only the gate has, and no other Worker of the zone has";

/**
 * Lets isolates share fetched keys: a change to a policy, and the secret that the change needs.
 *
 * @type {{policy: Changes, secrets: Record<string, string>}}
 */
export const KEY_CACHE = {
  policy: { key_cache: { secret: "KEY_CACHE_SECRET" } },
  secrets: { KEY_CACHE_SECRET },
};

/** @type {Route[]} */
export const ROUTES = [
  { path: "/public/*", access: "public" },
  { path: "/optional/*", access: "optional" },
  { path: "/admin/*", scopes: ["admin"] },
  { path: "/api/*" },
  { path: "/read-only/*", methods: ["GET"] },
];

/**
 * The same routes and one that leaves the control of shared caches to the origin.
 *
 * @type {Route[]}
 */
export const ROUTES_AND_SHARED = [...ROUTES, { path: "/shared/*", cache: "origin" }];

/**
 * A policy with one HS256 issuer, whose secret is in the binding SECRET.
 *
 * @param {{origin: OriginOrUrl} & Changes} options
 * @returns {TestPolicy}
 */
export function hs256({ origin, ...changes }) {
  return {
    origin: typeof origin === "string" ? origin : origin.url,
    realm: REALM,
    issuers: [
      {
        name: "issuer",
        issuer: ISSUER,
        audience: [AUDIENCE],
        algorithms: ["HS256"],
        keys: { secret: "SECRET" },
      },
    ],
    routes: structuredClone(ROUTES),
    forward: { claims: { "X-Auth-Subject": "/sub", "X-Auth-Scope": "/scope" } },
    ...changes,
  };
}

/**
 * The same policy with RS256 and any source of keys.
 *
 * @param {{origin: OriginOrUrl, keys?: Keys, algorithms?: string[]} & Changes} options
 * @returns {TestPolicy}
 */
export function rs256({ origin, keys, algorithms = ["RS256"], ...changes }) {
  const base = hs256({ origin, ...changes });
  const issuers = base.issuers.map((issuer) => ({ ...issuer, algorithms, keys }));
  return { ...base, issuers: /** @type {TestPolicy["issuers"]} */ (issuers) };
}

/**
 * A policy with one issuer, a real provider that publishes its keys.
 *
 * @param {{origin: OriginOrUrl, provider: Provider, keys?: Keys, issuer?: Changes} & Changes}
 *   options `issuer` replaces keys of the issuer
 * @returns {TestPolicy}
 */
export function published({ origin, provider, keys, issuer = {}, ...changes }) {
  const base = hs256({
    origin,
    errors: { detail: "reason" },
    log: { decisions: "none" },
    ...changes,
  });
  return { ...base, issuers: [publishing(provider, { ...(keys && { keys }), ...issuer })] };
}

/**
 * The issuer of a policy that stands for a real provider.
 *
 * @param {Provider} provider
 * @param {Changes} [changes]
 * @returns {Issuer}
 */
export function publishing(provider, changes = {}) {
  return {
    name: "provider",
    issuer: provider.issuer,
    audience: AUDIENCE,
    algorithms: ["RS256", "ES256", "EdDSA"],
    keys: { jwks_uri: provider.jwksUri },
    ...changes,
  };
}

/**
 * Claims that satisfy both policies for an hour.
 *
 * @template {Record<string, unknown>} [C={}]
 * @param {C} [changes]
 */
export function claims(changes) {
  return { iss: ISSUER, aud: AUDIENCE, sub: "user-1", exp: tokens.now() + 3600, ...changes };
}

/**
 * A valid HS256 token with changed claims.
 *
 * @param {Record<string, unknown>} [changes]
 * @param {Partial<Parts>} [more]
 */
export function hs256Token(changes = {}, more = {}) {
  return tokens.token({ alg: "HS256", key: SECRET, payload: claims(changes), ...more });
}
