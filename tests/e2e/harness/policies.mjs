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

/** One HS256 issuer with its secret in the binding SECRET; `changes` replace top-level keys. */
export function hs256({ origin, ...changes }) {
  return {
    origin: origin?.url ?? origin,
    realm: REALM,
    issuers: [
      { name: "issuer", issuer: ISSUER, audience: [AUDIENCE], algorithms: ["HS256"], keys: { secret: "SECRET" } },
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

/** Claims that pass both, for an hour. */
export function claims(changes = {}) {
  return { iss: ISSUER, aud: AUDIENCE, sub: "user-1", exp: tokens.now() + 3600, ...changes };
}

/** A good HS256 token, with these claims replaced and added. */
export function hs256Token(changes = {}, more = {}) {
  return tokens.token({ alg: "HS256", key: SECRET, payload: claims(changes), ...more });
}
