// The built Worker judges the corpus of `cargo xtask bench strictness` as the standard says. The
// cases that the standard leaves open are in benches/results/strictness.md.

import assert from "node:assert/strict";
import { makeCorpus } from "../../benches/strictness/corpus.mjs";
import { ALGORITHMS } from "../../benches/strictness/kit.mjs";
import { assertAdmitted, policies, withGate } from "./harness/index.mjs";

const { audience, cases, issuer, keys } = makeCorpus();

/**
 * Whether a token is the value of a header as it is: HTTP removes spaces around values, and allows
 * no control characters in them.
 *
 * @param {string} token
 */
const canBeSent = (token) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(token);

for (const name of ALGORITHMS) {
  const { algorithm = "", pem = "", secret } = keys[name] ?? {};
  withGate(
    `the corpus with ${name}`,
    ({ origin }) => ({
      policy: policies.hs256({
        origin,
        issuers: [
          {
            name: "issuer",
            issuer,
            audience: [audience],
            algorithms: [algorithm],
            leeway: 0,
            keys: secret ? { secret: "KEY" } : { pem: "KEY" },
          },
        ],
      }),
      secrets: { KEY: secret ?? pem },
    }),
    (test) => {
      const own = cases.filter(({ key, token }) => key === name && canBeSent(token));
      const choose = (/** @type {string} */ wanted) =>
        own.filter(({ verdict }) => verdict === wanted);

      test("admits what the standard requires to be accepted", async ({ gate, origin }) => {
        const accepted = choose("accept");
        assert.ok(accepted.length >= 8, `${accepted.length} cases`);
        for (const one of accepted) {
          const why = `${one.class}: ${one.title} (${one.section})`;
          await assertAdmitted(await gate.fetchWith(one.token, "/api/a"), origin, why);
        }
      });

      test("refuses what the standard requires to be rejected", async ({ gate, origin }) => {
        const rejected = choose("reject");
        assert.ok(rejected.length >= 80, `${rejected.length} cases`);
        for (const one of rejected) {
          const why = `${one.class}: ${one.title} (${one.section})`;
          const response = await gate.fetchWith(one.token, "/api/a");
          assert.ok([400, 401].includes(response.status), `${why}: ${response.status}`);
          await response.arrayBuffer();
          origin.expectNone(why);
        }
      });
    },
  );
}
