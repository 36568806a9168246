// The policy is compiled while the isolate starts, before its first request.

import assert from "node:assert/strict";
import { assertAdmitted, gateTest, policies } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

gateTest(
  "warnings about the policy are written once, with the first request",
  ({ origin }) => {
    const policy = hs256({ origin });
    const issuers = policy.issuers.map((issuer) => ({ ...issuer, audience: "*" }));
    return { runtime: "workerd", secrets: { SECRET }, policy: { ...policy, issuers } };
  },
  async ({ gate, origin }) => {
    const warned = () =>
      gate.logs.structured
        .filter(({ event }) => event === "policy_warning")
        .map(({ path }) => path);
    assert.deepEqual(warned(), [], "the platform shows only lines that belong to a request");
    for (let request = 0; request < 3; request += 1)
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    await gate.stop();
    assert.deepEqual(warned(), ["issuers[0].audience"]);
  },
);
