// exp, nbf and iat. Every time is far enough from now that no verdict depends on when a run judges.

import { Cases, HOUR, NOW, claimText, claims, token } from "../kit.mjs";

/** @import { Part, Signer, Verdict } from "../kit.mjs" */

const EXPIRY = "RFC 7519 section 4.1.4";
const NOT_BEFORE = "RFC 7519 section 4.1.5";
const ISSUED_AT = "RFC 7519 section 4.1.6";
const RANGE = "RFC 8259 section 6";
const MUST_BE_A_NUMBER = "The value must be a number.";

/** @param {Record<string, Signer>} keys */
export function times(keys) {
  const cases = new Cases("Times");
  const key = /** @type {Signer} */ (keys.HS256);
  /**
   * @param {Verdict} verdict
   * @param {string} title
   * @param {Part} payload
   * @param {string} section
   * @param {string} why
   */
  const add = (verdict, title, payload, section, why) =>
    cases.add(verdict, "HS256", title, token(key, { payload }), section, why);
  /**
   * @param {Verdict} verdict
   * @param {string} name
   * @param {string} text
   * @param {string} section
   * @param {string} why
   * @param {string} [shown]
   */
  const value = (verdict, name, text, section, why, shown = text) =>
    add(verdict, `${name} is ${shown}`, claimText(name, text), section, why);

  const later = NOW + HOUR;
  const types = {
    "a string with a future time": `"${later}"`,
    "a string with a past time": `"${NOW - HOUR}"`,
    "an ISO 8601 string": `"${new Date(later * 1000).toISOString()}"`,
    "a word": '"never"',
    "an empty string": '""',
    true: "true",
    false: "false",
    null: "null",
    "an empty array": "[]",
    "an array with a future time": `[${later}]`,
    "an array with a past time": `[${NOW - HOUR}]`,
    "an empty object": "{}",
    "an object with a future time": `{"value":${later}}`,
  };
  for (const [shown, text] of Object.entries(types)) {
    value("reject", "exp", text, EXPIRY, MUST_BE_A_NUMBER, shown);
    value("reject", "nbf", text, NOT_BEFORE, MUST_BE_A_NUMBER, shown);
    value(
      "either",
      "iat",
      text,
      ISSUED_AT,
      "The value must be a number; whether a verifier that does not use it checks this is not said.",
      shown,
    );
  }

  const past = "The token must not be accepted on or after exp.";
  for (const [shown, text] of Object.entries({
    "an hour ago": `${NOW - HOUR}`,
    "ten seconds ago": `${NOW - 10}`,
    "the time at which the corpus was made": `${NOW - 2}`,
    "an hour and a half second ago": `${NOW - HOUR - 1}.5`,
    0: "0",
    "-0": "-0",
    1: "1",
    "-1": "-1",
    "-1e10": "-1e10",
    "1e-7": "1e-7",
    0.5: "0.5",
  }))
    value("reject", "exp", text, EXPIRY, past, shown);
  value("reject", "exp", "-1e308", EXPIRY, past);
  value("reject", "exp", "-9223372036854775809", EXPIRY, past, "-2^63 - 1");

  const future = "It is a number of seconds, which may have a fraction, and in the future.";
  for (const [shown, text] of Object.entries({
    "in an hour": `${later}`,
    "in an hour, with .5": `${later}.5`,
    "in an hour, with .0": `${later}.0`,
    "in an hour, in exponent form": `${later / 1e9}e9`,
    "1e10": "1e10",
    "1E+10": "1E+10",
    4294967296: "4294967296",
    "in milliseconds, which is far in the future": `${later * 1000}`,
    253402300799: "253402300799",
  }))
    value("accept", "exp", text, EXPIRY, future, shown);
  const limits = "A parser may limit the range of numbers.";
  for (const text of ["1e308", "1e400", "1e19", "1e17"])
    value("either", "exp", text, RANGE, limits);
  value("either", "exp", `${2n ** 53n + 1n}`, RANGE, limits, "2^53 + 1");
  value("either", "exp", `${2n ** 63n}`, RANGE, limits, "2^63");
  value("either", "exp", `${2n ** 64n}`, RANGE, limits, "2^64");
  value("either", "exp", "9".repeat(400), RANGE, limits, "a number of 400 digits");
  add(
    "either",
    "exp is absent",
    claims({ exp: undefined }),
    EXPIRY,
    "exp is optional; an application may require it.",
  );
  add(
    "either",
    "exp and iat are absent",
    claims({ exp: undefined, iat: undefined }),
    EXPIRY,
    "exp is optional; an application may require it.",
  );

  const early = "The token must not be accepted before nbf.";
  for (const [shown, text] of Object.entries({
    "in an hour": `${later}`,
    "in half an hour and a half second": `${NOW + HOUR / 2}.5`,
    "1e10": "1e10",
    "in milliseconds, which is far in the future": `${NOW * 1000}`,
    "1e308": "1e308",
    "1e400": "1e400",
    "2^63": `${2n ** 63n}`,
    "2^64": `${2n ** 64n}`,
  }))
    value("reject", "nbf", text, NOT_BEFORE, early, shown);
  for (const [shown, text] of Object.entries({
    0: "0",
    1: "1",
    "an hour ago": `${NOW - HOUR}`,
    "an hour ago, with .5": `${NOW - HOUR}.5`,
    "the time at which the corpus was made": `${NOW - 2}`,
    "an hour ago, in exponent form": `${(NOW - HOUR) / 1e9}e9`,
  }))
    value("accept", "nbf", text, NOT_BEFORE, "It is a number of seconds, and in the past.", shown);
  const negative = "Whether there are times before 1970 is not said.";
  value("either", "nbf", "-1", "RFC 7519 section 2", negative);
  value("either", "iat", "-1", "RFC 7519 section 2", negative);

  const notSaid = "What a verifier does with iat is not said.";
  for (const [shown, text] of Object.entries({
    "in an hour": `${later}`,
    "1e10": "1e10",
    "1e308": "1e308",
    "after exp": `${later + HOUR}`,
  }))
    value("either", "iat", text, ISSUED_AT, notSaid, shown);
  for (const [shown, text] of Object.entries({
    "an hour ago": `${NOW - HOUR}`,
    "an hour ago, with .5": `${NOW - HOUR}.5`,
    "a year ago": `${NOW - 365 * 24 * HOUR}`,
    0: "0",
  }))
    value("accept", "iat", text, ISSUED_AT, "It is a number of seconds, and in the past.", shown);
  add("accept", "iat is absent", claims({ iat: undefined }), ISSUED_AT, "iat is optional.");
  add(
    "reject",
    "exp is past, and iat and nbf are future",
    claims({ exp: NOW - HOUR, iat: later, nbf: later }),
    EXPIRY,
    past,
  );
  add(
    "accept",
    "nbf and iat are past and exp is in 100 years",
    claims({ exp: NOW + 100 * 365 * 24 * HOUR, nbf: NOW - HOUR, iat: NOW - HOUR }),
    EXPIRY,
    future,
  );
  return cases.all;
}
