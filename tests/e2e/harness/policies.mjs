// Policies for tests, and the keys that go with them.

import * as tokens from "./tokens.mjs";

export const ISSUER = "https://issuer.example/";
export const AUDIENCE = "https://api.example.com";
export const SECRET = "correct horse battery staple, and a few more words to spare";
export const REALM = "api";

export const ROUTES = [
  { path: "/public/*", access: "public" },
  { path: "/optional/*", access: "optional" },
  { path: "/admin/*", scopes: ["admin"] },
  { path: "/api/*" },
  { path: "/read-only/*", methods: ["GET"] },
];

/** These, and one that leaves shared caches to the origin. */
export const ROUTES_AND_SHARED = [...ROUTES, { path: "/shared/*", cache: "origin" }];

/** One HS256 issuer with its secret in the binding SECRET; `changes` replace top-level keys. */
export function hs256({ origin, ...changes }) {
  return {
    origin: origin?.url ?? origin,
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

/** The same with RS256 and any key source. */
export function rs256({ origin, keys, algorithms = ["RS256"], ...changes }) {
  const base = hs256({ origin, ...changes });
  return { ...base, issuers: base.issuers.map((issuer) => ({ ...issuer, algorithms, keys })) };
}

/** One issuer that publishes its keys: a real provider. `issuer` adds to it, `changes` replace top-level keys. */
export function published({ origin, provider, keys, issuer = {}, ...changes }) {
  const base = hs256({
    origin,
    errors: { detail: "reason" },
    log: { decisions: "none" },
    ...changes,
  });
  return { ...base, issuers: [publishing(provider, { ...(keys && { keys }), ...issuer })] };
}

/** An issuer of a policy that stands for a real provider. */
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

/** Claims that pass both, for an hour. */
export function claims(changes = {}) {
  return { iss: ISSUER, aud: AUDIENCE, sub: "user-1", exp: tokens.now() + 3600, ...changes };
}

/** A good HS256 token, with these claims replaced and added. */
export function hs256Token(changes = {}, more = {}) {
  return tokens.token({ alg: "HS256", key: SECRET, payload: claims(changes), ...more });
}
