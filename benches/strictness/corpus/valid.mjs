// Ordinary tokens, with each algorithm. They also show that every verifier is configured correctly.

import { ALGORITHMS, Cases, HOUR, NOW, claims, header, token } from "../kit.mjs";

/** @import { Signer } from "../kit.mjs" */

/** @param {Record<string, Signer>} keys */
export function valid(keys) {
  const cases = new Cases("Ordinary tokens");
  for (const name of ALGORITHMS) {
    const key = /** @type {Signer} */ (keys[name]);
    for (const [title, parts] of Object.entries({
      "the usual header and claims": {},
      "no typ": { header: { alg: name } },
      "alg after the other members": { header: { typ: "JWT", kid: "1", alg: name } },
      "unknown claims": { payload: claims({ scope: "read", roles: ["a"], x: { y: 1 } }) },
      "nbf in the past": { payload: claims({ nbf: NOW - HOUR }) },
      "a long payload": { payload: claims({ x: "é".repeat(2000) }) },
      "claims in another order": {
        payload: Object.fromEntries(Object.entries(claims()).reverse()),
      },
    }))
      cases.add(
        "accept",
        name,
        title,
        token(key, parts),
        "RFC 7519 section 7.2",
        "The token is valid.",
      );
    cases.add(
      "accept",
      name,
      "an unknown header parameter",
      token(key, { header: header(key, { x: "y" }) }),
      "RFC 7515 section 4",
      "Header parameters that the verifier does not understand are ignored.",
    );
  }
  return cases.all;
}
