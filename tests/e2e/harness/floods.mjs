// Requests for keys that nobody has, and what the gate answers while it has none.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { assertProblem } from "./answers.mjs";
import { claims } from "./policies.mjs";
import * as tokens from "./tokens.mjs";

/** Tokens that ask for keys nobody has, each for another one. */
export const strangers = (provider, count, changes = {}) =>
  [...Array(count).keys()].map(() =>
    tokens.rawToken(
      tokens.base64url(JSON.stringify({ alg: "RS256", kid: randomBytes(12).toString("hex") })),
      tokens.base64url(JSON.stringify(claims({ iss: provider.issuer, ...changes }))),
      tokens.base64url(randomBytes(256)),
    ),
  );

/** Sends them all, a hundred at a time, and counts the answers by what they say. */
export async function answersTo(gate, made) {
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

/** 503, and when to come again; never a 401, which would send a client to fetch another token. */
export async function assertUnavailable(response) {
  const { header } = await assertProblem(response, 503, { detail: "keys_unavailable" });
  assert.match(header("retry-after"), /^([1-9]|[12][0-9]|30)$/);
  assert.equal(header("www-authenticate"), undefined);
}
