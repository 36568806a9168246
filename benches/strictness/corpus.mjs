// The corpus: tokens in classes, each with the standard's verdict.

import { algorithms } from "./corpus/algorithms.mjs";
import { compact } from "./corpus/compact.mjs";
import { headers } from "./corpus/headers.mjs";
import { json } from "./corpus/json.mjs";
import { issuerAndAudience, members } from "./corpus/names.mjs";
import { nested } from "./corpus/nested.mjs";
import { signatures, smallOrderKey } from "./corpus/signatures.mjs";
import { times } from "./corpus/times.mjs";
import { valid } from "./corpus/valid.mjs";
import { ALGORITHMS, AUDIENCE, ISSUER, newKey } from "./kit.mjs";

/** @import { Case, PublicKey, Signer } from "./kit.mjs" */

/**
 * What a verifier gets.
 *
 * @typedef {object} Corpus
 * @property {string} issuer
 * @property {string} audience
 * @property {Record<string, PublicKey>} keys
 * @property {Case[]} cases
 */

/** The classes, in the order of the report. */
const CLASSES = [
  valid,
  compact,
  json,
  headers,
  algorithms,
  signatures,
  times,
  issuerAndAudience,
  members,
  nested,
];

/**
 * Makes the corpus with new keys, for the current time.
 *
 * @returns {Corpus}
 */
export function makeCorpus() {
  /** @type {Record<string, Signer>} */
  const keys = Object.fromEntries(ALGORITHMS.map((name) => [name, newKey(name)]));
  const cases = CLASSES.flatMap((make) => make(keys));
  const names = new Set(cases.map(({ class: one, key, title }) => `${one}: ${key}: ${title}`));
  if (names.size !== cases.length) throw new Error("two cases have the same name");
  const small = smallOrderKey();
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: {
      ...Object.fromEntries(
        Object.entries(keys).map(([name, { algorithm, jwk, pem, secret }]) => [
          name,
          { algorithm, jwk, ...(pem && { pem }), ...(secret && { secret }) },
        ]),
      ),
      [small.name]: small.key,
    },
    cases,
  };
}
