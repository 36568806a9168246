// Secrets in a Secrets Store, and secrets that rotate.

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
  "a secret is read from a Secrets Store, as soon as the store has it",
  ({ origin }) => ({ policy: hs256({ origin }), secretsStoreSecrets: { SECRET: STORE } }),
  async ({ gate, origin }) => {
    // Nothing is let through for want of a secret, and nothing is held against the store for good.
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
  "secrets that rotate",
  ({ origin }) => {
    const policy = hs256({ origin });
    policy.issuers[0].keys = { secret: ["SECRET", "OLD_SECRET"] };
    return { policy, secrets: { SECRET, OLD_SECRET: OLD } };
  },
  (test) => {
    test("tokens under the new and the old secret pass", async ({ gate, origin }) => {
      for (const key of [SECRET, OLD]) {
        const token = tokens.token({ alg: "HS256", key, payload: claims() });
        await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
      }
    });

    test("a third secret does not", async ({ gate }) => {
      const token = tokens.token({ alg: "HS256", key: `${OLD}!`, payload: claims() });
      await assertRefused(await gate.fetchWith(token, "/api/a"), 401, INVALID);
    });
  },
);
