// Tokens that name unknown keys, and the gate's responses to them.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { assertProblem } from "./answers.mjs";
import { claims } from "./policies.mjs";
import * as tokens from "./tokens.mjs";

/** @import { AnyResponse } from "./answers.mjs" */
/** @import { Provider } from "./provider.mjs" */
/** @import { Running } from "./running.mjs" */

/**
 * Makes tokens that each name another key that does not exist.
 *
 * @param {Provider} provider
 * @param {number} count
 * @param {Record<string, unknown>} [changes] claims
 */
export const strangers = (provider, count, changes = {}) =>
  [...Array(count).keys()].map(() =>
    tokens.rawToken(
      tokens.base64url(JSON.stringify({ alg: "RS256", kid: randomBytes(12).toString("hex") })),
      tokens.base64url(JSON.stringify(claims({ iss: provider.issuer, ...changes }))),
      tokens.base64url(randomBytes(256)),
    ),
  );

/**
 * Sends all tokens, a hundred at a time. Counts the responses by status and reason code.
 *
 * @param {Running} gate
 * @param {string[]} made
 */
export async function answersTo(gate, made) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (let from = 0; from < made.length; from += 100) {
    await Promise.all(
      made.slice(from, from + 100).map(async (token) => {
        const response = await gate.fetchWith(token, "/api/items");
        const { code } = await response.json();
        counts[`${response.status} ${code}`] = (counts[`${response.status} ${code}`] ?? 0) + 1;
      }),
    );
  }
  return counts;
}

/**
 * Asserts a 503 with `Retry-After`. A 401 would make the client request another token.
 *
 * @param {AnyResponse} response
 */
export async function assertUnavailable(response) {
  const { header } = await assertProblem(response, 503, { detail: "keys_unavailable" });
  assert.match(header("retry-after") ?? "", /^([1-9]|[12][0-9]|30)$/);
  assert.equal(header("www-authenticate"), undefined);
}
