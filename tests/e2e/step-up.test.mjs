// Step-up authentication (RFC 9470).

import assert from "node:assert/strict";
import { assertAdmitted, assertRefused, policies, tokens, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

withGate(
  "a route with acr and max_auth_age",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({
      origin,
      routes: [
        { path: "/pay/*", acr: ["urn:example:mfa", "gold"], max_auth_age: 300 },
        { path: "/api/*" },
      ],
    }),
    secrets: { SECRET },
  }),
  (test) => {
    const asked = {
      error: "insufficient_user_authentication",
      error_description: /authentication level/,
      acr_values: "urn:example:mfa gold",
      max_age: "300",
    };

    test("RFC 9470 section 3: refuses other tokens and names the requirements", async ({
      gate,
      origin,
    }) => {
      const now = tokens.now();
      for (const claims of [
        {},
        { acr: "gold" },
        { auth_time: now },
        { acr: "silver", auth_time: now },
        { acr: "gold", auth_time: now - 3600 },
        { acr: "gold", auth_time: now + 3600 },
      ]) {
        const why = JSON.stringify(claims);
        await assertRefused(await gate.fetchWith(hs256Token(claims), "/pay/a"), 401, asked, {
          why,
        });
        origin.expectNone(why);
        await assertAdmitted(await gate.fetchWith(hs256Token(claims), "/api/a"), origin, why);
      }
    });

    test("admits users who have signed in recently with a listed acr", async ({ gate, origin }) => {
      for (const acr of ["gold", "urn:example:mfa"]) {
        const token = hs256Token({ acr, auth_time: tokens.now() - 60 });
        const seen = await assertAdmitted(await gate.fetchWith(token, "/pay/a"), origin, acr);
        assert.equal(seen.header("x-auth-subject"), "user-1");
      }
    });
  },
);
