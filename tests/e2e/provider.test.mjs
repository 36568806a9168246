// Tokens of a real identity provider, whose keys the gate fetches: which tokens are admitted, how
// often keys are fetched, and how long fetched keys are used.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  COOLDOWN,
  INVALID,
  JWKS,
  METADATA,
  policies,
  providerTest,
  tokens,
} from "./harness/index.mjs";

/** @import { Keys } from "../../policy.d.ts" */

const { AUDIENCE, hs256, KEY_CACHE, published, publishing } = policies;

/** @type {[source: string, keys: Keys | undefined, fetched: string[]][]} */
const KEY_SOURCES = [
  ["jwks_uri", undefined, [JWKS]],
  ["discovery", { discovery: true }, [METADATA, JWKS]],
];

for (const runtime of ["miniflare", "workerd"]) {
  for (const [source, keys, fetched] of KEY_SOURCES) {
    providerTest(
      `admits tokens of a real provider with any of its algorithms, by ${source} in ${runtime}`,
      ({ origin, provider }) => ({ runtime, policy: published({ origin, provider, keys }) }),
      async ({ gate, origin, provider }) => {
        for (const alg of ["RS256", "ES256", "EdDSA"]) {
          const token = await provider.token({ alg, scope: "read write" });
          const seen = await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin, alg);
          assert.equal(seen.header("x-auth-subject"), `client-${alg}`);
          assert.equal(seen.header("x-auth-scope"), "read write");
          const forged = tokens.withChangedCharacter(token, token.length - 20);
          await assertRefused(await gate.fetchWith(forged, "/api/items"), 401, INVALID, {
            detail: "bad_signature",
          });
        }
        await provider.expectFetches(fetched);
      },
    );
  }
}

providerTest(
  "RFC 9068: admits the provider's tokens under the profile",
  ({ origin, provider }) => ({
    policy: published({ origin, provider, issuer: { profile: "rfc9068" } }),
  }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    const elsewhere = await provider.token({ audience: "https://other.example.com" });
    await assertRefused(await gate.fetchWith(elsewhere, "/api/items"), 401, INVALID, {
      detail: "wrong_audience",
    });
    await provider.expectFetches([JWKS]);
  },
);

providerTest(
  "keys are fetched through a service binding if the policy names one",
  ({ origin, provider }) => ({
    policy: published({
      origin,
      provider,
      keys: { jwks_uri: "https://keys.example/jwks", service: "KEYS" },
    }),
    services: { KEYS: new URL(provider.issuer).host },
  }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
  },
);

/** @type {[how: string, headers: Record<string, string>, seconds: number][]} */
const FRESHNESS = [
  ["without Cache-Control", {}, 600],
  ["with max-age=3600", { "Cache-Control": "public, max-age=3600" }, 3600],
  ["with max-age=1, which is too short", { "Cache-Control": "max-age=1" }, 300],
  ["with no-store", { "Cache-Control": "no-store" }, 300],
  ["with a max-age of a year, which is too long", { "Cache-Control": "max-age=31536000" }, 86_400],
];

for (const [how, headers, seconds] of FRESHNESS) {
  providerTest(
    `a key set that was served ${how} is fetched again after ${seconds} seconds`,
    ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
    async ({ gate, origin, provider }) => {
      await provider.answerWith(await provider.published(), { headers });
      const token = await provider.token();
      const pass = async () => assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
      await pass();
      await provider.expectFetches([JWKS]);
      // The real clock advances too, but by less than 30 seconds.
      await gate.moveClock(seconds - 30);
      await pass();
      await provider.expectFetches([]);
      await gate.moveClock(seconds);
      await pass();
      assert.equal(await provider.nextFetch(), JWKS);
    },
  );
}

providerTest(
  "public routes, anonymous requests and tokens of another issuer cause no fetch",
  ({ origin, provider }) => {
    const base = hs256({ origin });
    return {
      policy: { ...base, issuers: [...base.issuers, publishing(provider)] },
      secrets: { SECRET: policies.SECRET },
    };
  },
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/public/items"), origin);
    await assertAdmitted(await gate.fetch("/optional/items"), origin);
    await assertAdmitted(await gate.fetchWith(policies.hs256Token(), "/api/items"), origin);
    await assertRefused(await gate.fetch("/api/items"), 401);
    await assertProblem(await gate.fetchWith(await provider.token(), "/nowhere"), 404);
    await provider.expectFetches([]);
  },
);

const SUPABASE = "/auth/v1/.well-known/jwks.json";
const key = tokens.rsaKeys({ kid: "project" });

providerTest(
  "a preset configures the issuer and its keys",
  ({ origin, provider }) => ({
    policy: {
      ...hs256({ origin, errors: { detail: "reason" } }),
      issuers: [
        {
          preset: "supabase",
          url: provider.issuer,
          claims: [{ path: "role", equals: "authenticated" }],
        },
      ],
    },
  }),
  async ({ gate, origin, provider }) => {
    await provider.answerWith({ keys: [key.jwk] }, { path: SUPABASE });
    const made = (/** @type {Record<string, unknown>} */ changes = {}) =>
      tokens.token({
        alg: "RS256",
        key: key.privateKey,
        header: { kid: "project" },
        payload: policies.claims({
          iss: `${provider.issuer}/auth/v1`,
          aud: "authenticated",
          role: "authenticated",
          ...changes,
        }),
      });
    await assertAdmitted(await gate.fetchWith(made(), "/api/items"), origin);
    /** @type {[changes: Record<string, unknown>, detail: string][]} */
    const cases = [
      [{ aud: AUDIENCE }, "wrong_audience"],
      [{ role: "anon" }, "invalid_claim"],
      [{ role: undefined }, "invalid_claim"],
      [{ iss: provider.issuer }, "unknown_issuer"],
    ];
    for (const [changes, detail] of cases) {
      await assertRefused(await gate.fetchWith(made(changes), "/api/items"), 401, INVALID, {
        detail,
      });
    }
    await provider.expectFetches([SUPABASE]);
  },
);

for (const [sharing, cacheAPI, keyCache, fetches] of /** @type {const} */ ([
  ["share keys", true, true, 1],
  ["have no Cache API", false, true, 3],
  ["have no key_cache in their policy", true, false, 3],
])) {
  const times = fetches === 1 ? "once" : `${fetches} times`;
  providerTest(
    `admits the first token with a new key; three isolates that ${sharing} fetch it ${times}`,
    ({ origin, provider }) => ({
      isolates: 3,
      cacheAPI,
      secrets: KEY_CACHE.secrets,
      policy: published({ origin, provider, ...(keyCache && KEY_CACHE.policy) }),
    }),
    async ({ gate, origin, provider }) => {
      const expected = Array(fetches).fill(JWKS);
      const old = await provider.token();
      for (const isolate of gate.isolates)
        await assertAdmitted(await isolate.fetchWith(old, "/api/items"), origin);
      await provider.expectFetches(expected, "before the rotation");

      await provider.rotate("rsa-2");
      await gate.moveClock(COOLDOWN);
      const fresh = await provider.token();
      for (const isolate of gate.isolates)
        await assertAdmitted(await isolate.fetchWith(fresh, "/api/items"), origin);
      await provider.expectFetches(expected, "after the rotation");

      // No signature verifies under a key that has been removed from the set.
      for (const isolate of gate.isolates) {
        const response = await isolate.fetchWith(old, "/api/items");
        await assertRefused(response, 401, INVALID, { detail: "unknown_key" });
      }
      await provider.expectFetches([], "for the removed key");
    },
  );
}

providerTest(
  "a token with a new key is refused as unknown until the cooldown has passed",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.rotate("rsa-2");
    const token = await provider.token();
    await assertRefused(await gate.fetchWith(token, "/api/items"), 401, INVALID, {
      detail: "unknown_key",
    });
    await provider.expectFetches([JWKS]);
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
  },
);

providerTest(
  "admits tokens with the old and the new key while both are published",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const old = await provider.token();
    await assertAdmitted(await gate.fetchWith(old, "/api/items"), origin);
    await provider.keys([
      { kid: "rsa-2", alg: "RS256" },
      { kid: "rsa-1", alg: "RS256" },
    ]);
    await gate.moveClock(COOLDOWN);
    const fresh = await provider.token();
    await assertAdmitted(await gate.fetchWith(fresh, "/api/items"), origin);
    await assertAdmitted(await gate.fetchWith(old, "/api/items"), origin);
    await provider.expectFetches([JWKS, JWKS]);
  },
);
