// Secrets in a Secrets Store, and the rotation of secrets.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  gateTest,
  INVALID,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

const { hs256, hs256Token, claims, SECRET } = policies;

const OLD = "the secret that was good until yesterday, and is for a while yet";
const STORE = { store_id: "0123456789abcdef0123456789abcdef", secret_name: "jwt-secret" };

gateTest(
  "reads a secret from a Secrets Store as soon as the store has the secret",
  ({ origin }) => ({ policy: hs256({ origin }), secretsStoreSecrets: { SECRET: STORE } }),
  async ({ gate, origin }) => {
    // The gate refuses all requests while the secret is missing, but tries to read it again.
    await assertProblem(await gate.fetchWith(hs256Token(), "/api/a"), 500);
    await assertProblem(await gate.fetch("/public/a"), 500);
    const store = await gate.miniflare.getSecretsStoreSecretAPI("SECRET");
    await store().create(SECRET);
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    const forged = tokens.token({ alg: "HS256", key: OLD, payload: claims() });
    await assertRefused(await gate.fetchWith(forged, "/api/a"), 401, INVALID);
  },
);

withGate(
  "an issuer with two secrets",
  ({ origin }) => {
    const policy = hs256({ origin });
    policy.issuers[0].keys = { secret: ["SECRET", "OLD_SECRET"] };
    return { policy, secrets: { SECRET, OLD_SECRET: OLD } };
  },
  (test) => {
    test("admits tokens that are signed with the new or the old secret", async ({
      gate,
      origin,
    }) => {
      for (const key of [SECRET, OLD]) {
        const token = tokens.token({ alg: "HS256", key, payload: claims() });
        await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
      }
    });

    test("refuses tokens that are signed with a third secret", async ({ gate }) => {
      const token = tokens.token({ alg: "HS256", key: `${OLD}!`, payload: claims() });
      await assertRefused(await gate.fetchWith(token, "/api/a"), 401, INVALID);
    });
  },
);
