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

gateTest(
  "notices within a minute that a secret in a Secrets Store has been replaced",
  ({ origin }) => ({
    clock: true,
    policy: hs256({ origin }),
    secretsStoreSecrets: { SECRET: STORE },
  }),
  async ({ gate, origin }) => {
    const getStore = await gate.miniflare.getSecretsStoreSecretAPI("SECRET");
    const id = await getStore().create(OLD);
    const old = tokens.token({ alg: "HS256", key: OLD, payload: claims() });
    const fresh = tokens.token({ alg: "HS256", key: SECRET, payload: claims() });
    const third = tokens.token({ alg: "HS256", key: `${SECRET}!`, payload: claims() });
    const judge = (/** @type {string} */ token) => gate.fetchWith(token, "/api/a");
    // Twice, so that the isolate has cached the token when its secret is replaced.
    for (let times = 0; times < 2; times += 1) await assertAdmitted(await judge(old), origin);
    await assertRefused(await judge(fresh), 401, INVALID);

    await getStore().update(SECRET, id);
    await gate.moveClock(61);
    await assertAdmitted(await judge(fresh), origin);
    await assertAdmitted(await judge(old), origin, "for five more minutes");
    await assertRefused(await judge(third), 401, INVALID);

    await gate.moveClock(61 + 301);
    await assertRefused(await judge(old), 401, INVALID);
    await assertAdmitted(await judge(fresh), origin);

    // An invalid secret is reported, and a deleted one too. The last valid one stays in use.
    await getStore().update("too short", id);
    await gate.moveClock(61 + 301 + 61);
    await assertAdmitted(await judge(fresh), origin);
    await gate.logs.waitFor((book) => book.text.includes("needs at least 32"));
    await getStore().delete(id);
    await gate.moveClock(61 + 301 + 2 * 61);
    await assertAdmitted(await judge(fresh), origin);
    await gate.logs.waitFor((book) => book.text.includes("did not return the secret"));
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
