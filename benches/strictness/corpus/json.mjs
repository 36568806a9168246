// The JSON of headers and payloads.

import {
  AUDIENCE,
  Cases,
  HOUR,
  ISSUER,
  NOW,
  claims,
  claimsAnd,
  header,
  headerAnd,
  token,
} from "../kit.mjs";

/** @import { Part, Signer, Verdict } from "../kit.mjs" */

const OBJECT = "RFC 7519 section 7.2";
const VALID = "Header and payload must be completely valid JSON objects in UTF-8.";
const GRAMMAR = "RFC 8259 section 2";
const NUMBER = "RFC 8259 section 6";
const STRING = "RFC 8259 section 7";

/** @param {Record<string, Signer>} keys */
export function json(keys) {
  const cases = new Cases("JSON");
  const key = /** @type {Signer} */ (keys.HS256);

  /**
   * Adds a case for the header and one for the payload, from the same change to their text.
   *
   * @param {Verdict} verdict
   * @param {string} what
   * @param {(text: string) => Part} change
   * @param {string} section
   * @param {string} [why]
   */
  const both = (verdict, what, change, section, why = VALID) => {
    const head = change(JSON.stringify(header(key)));
    const payload = change(JSON.stringify(claims()));
    cases.add(verdict, "HS256", `the header ${what}`, token(key, { header: head }), section, why);
    cases.add(verdict, "HS256", `the payload ${what}`, token(key, { payload }), section, why);
  };
  /**
   * The same with raw text or bytes before the closing brace.
   *
   * @param {Verdict} verdict
   * @param {string} what
   * @param {string | Buffer} text
   * @param {string} section
   * @param {string} [why]
   */
  const bothWith = (verdict, what, text, section, why = VALID) =>
    both(
      verdict,
      what,
      (json) =>
        Buffer.concat([Buffer.from(`${json.slice(0, -1)},`), Buffer.from(text), Buffer.from("}")]),
      section,
      why,
    );
  /**
   * The same, in the payload alone.
   *
   * @param {Verdict} verdict
   * @param {string} what
   * @param {Part} payload
   * @param {string} section
   * @param {string} [why]
   */
  const payload = (verdict, what, payload, section, why = VALID) =>
    cases.add(verdict, "HS256", `the payload ${what}`, token(key, { payload }), section, why);

  both("reject", "followed by a letter", (text) => `${text}x`, GRAMMAR);
  both("reject", "followed by a brace", (text) => `${text}}`, GRAMMAR);
  both("reject", "followed by a second object", (text) => `${text}{}`, GRAMMAR);
  both("reject", "followed by NUL", (text) => `${text}\0`, GRAMMAR);
  both("reject", "after NUL", (text) => `\0${text}`, GRAMMAR);
  both("reject", "without its closing brace", (text) => text.slice(0, -1), GRAMMAR);
  both(
    "reject",
    "with a comma before the closing brace",
    (text) => `${text.slice(0, -1)},}`,
    GRAMMAR,
  );
  both("reject", "with a comment", (text) => `${text.slice(0, -1)}/**/}`, GRAMMAR);
  both("reject", "with single quotation marks", (text) => text.replaceAll('"', "'"), STRING);
  both("reject", "after a no-break space", (text) => `\u00a0${text}`, GRAMMAR);
  both("reject", "after a form feed", (text) => `\f${text}`, GRAMMAR);
  bothWith("reject", "with a name without quotation marks", "x:1", GRAMMAR);
  for (const number of ["NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", "1e", "-"])
    bothWith("reject", `with the number ${number}`, `"x":${number}`, NUMBER);
  bothWith("reject", "with the value True", '"x":True', "RFC 8259 section 3");
  bothWith("reject", "with the value undefined", '"x":undefined', "RFC 8259 section 3");
  bothWith("reject", "with a line break in a string", '"x":"a\nb"', STRING);
  bothWith("reject", "with a tab in a string", '"x":"a\tb"', STRING);
  bothWith("reject", "with NUL in a string", '"x":"a\0b"', STRING);
  bothWith("reject", "with the escape \\x41", '"x":"\\x41"', STRING);
  bothWith("reject", "with the escape \\u12", '"x":"\\u12"', STRING);

  const invalid = {
    "the byte FF": [0xff],
    "an overlong slash": [0xc0, 0xaf],
    "an encoded surrogate": [0xed, 0xa0, 0x80],
    "an incomplete sequence": [0xe2, 0x82],
    "a code point above U+10FFFF": [0xf4, 0x90, 0x80, 0x80],
    "é in ISO 8859-1": [0xe9],
  };
  for (const [what, sequence] of Object.entries(invalid)) {
    const text = Buffer.concat([Buffer.from('"x":"'), Buffer.from(sequence), Buffer.from('"')]);
    bothWith("reject", `with ${what} in a string`, text, OBJECT);
  }
  payload(
    "reject",
    "with the byte FF in sub",
    Buffer.from(JSON.stringify(claims({ sub: "u\xff" })), "latin1"),
    OBJECT,
  );
  bothWith("reject", "with the byte FF in a name", Buffer.from('"x\xff":1', "latin1"), OBJECT);
  both("reject", "in UTF-16, little-endian", (text) => Buffer.from(text, "utf16le"), OBJECT);
  both("reject", "in UTF-16, big-endian", (text) => Buffer.from(text, "utf16le").swap16(), OBJECT);
  both(
    "reject",
    "in UTF-16 with a byte order mark",
    (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
    OBJECT,
  );
  both(
    "reject",
    "in UTF-32",
    (text) =>
      Buffer.concat([...text].map((letter) => Buffer.from([letter.charCodeAt(0), 0, 0, 0]))),
    OBJECT,
  );
  both(
    "either",
    "after a byte order mark",
    (text) => `\ufeff${text}`,
    "RFC 8259 section 8.1",
    "A parser may ignore a byte order mark instead of treating it as an error.",
  );
  const surrogate =
    "A lone surrogate is in the grammar, and what a parser does with it is unpredictable.";
  for (const escape of ["\\ud800", "\\udc00", "\\ud800x\\udc00"])
    bothWith(
      "either",
      `with the escape ${escape}`,
      `"x":"${escape}"`,
      "RFC 8259 section 8.2",
      surrogate,
    );

  const notObjects = {
    "is an empty array": "[]",
    "is an array with the claims": `[${JSON.stringify(claims())}]`,
    "is an array of the values of exp, nbf, sub, iss and aud": JSON.stringify([
      NOW + HOUR,
      NOW,
      "user-1",
      ISSUER,
      AUDIENCE,
    ]),
    "is a string": '"x"',
    "is a string with the claims in it": JSON.stringify(JSON.stringify(claims())),
    "is a number": "1",
    "is null": "null",
    "is true": "true",
    "is whitespace": " ",
  };
  for (const [what, text] of Object.entries(notObjects)) payload("reject", what, text, OBJECT);
  for (const [what, text] of Object.entries({
    "is null": "null",
    "is a string": '"HS256"',
    "is an array with the header": '[{"alg":"HS256","typ":"JWT"}]',
    "is an array of the values of typ and alg": '["JWT","HS256"]',
    "is an empty object": "{}",
  }))
    cases.add("reject", "HS256", `the header ${what}`, token(key, { header: text }), OBJECT, VALID);

  const limit = "A parser may limit the depth of nesting.";
  for (const depth of [100, 2000, 50_000])
    payload(
      "either",
      `nested ${depth.toLocaleString("en")} levels deep`,
      claimsAnd(`"x":${"[".repeat(depth)}${"]".repeat(depth)}`),
      "RFC 8259 section 9",
      limit,
    );
  cases.add(
    "either",
    "HS256",
    "the header nested 2,000 levels deep",
    token(key, { header: headerAnd(key, `"x":${"[".repeat(2000)}${"]".repeat(2000)}`) }),
    "RFC 8259 section 9",
    limit,
  );
  payload(
    "accept",
    "nested 10 levels deep",
    claimsAnd(`"x":${"[".repeat(10)}${"]".repeat(10)}`),
    GRAMMAR,
    "Ordinary nesting.",
  );
  const range = "A parser may limit the range and precision of numbers.";
  payload("either", "with the number 1e400", claimsAnd('"x":1e400'), NUMBER, range);
  payload(
    "either",
    "with a number of 400 digits",
    claimsAnd(`"x":${"9".repeat(400)}`),
    NUMBER,
    range,
  );
  const numbers = "The number is valid JSON in a claim that the verifier does not know.";
  for (const number of ["-0", "1E3", "1e-7", "9007199254740993", "1.0", "-1.5e+10"])
    payload("accept", `with the number ${number}`, claimsAnd(`"x":${number}`), NUMBER, numbers);
  const legal = "JSON allows this spelling.";
  both(
    "accept",
    "with whitespace between its tokens",
    (text) => JSON.stringify(JSON.parse(text), null, " \t").replaceAll("\n", "\r\n"),
    GRAMMAR,
    legal,
  );
  both("accept", "with whitespace around it", (text) => `\r\n ${text}\t `, GRAMMAR, legal);
  bothWith(
    "accept",
    "with escapes in a string",
    '"x":"\\u00e9\\n\\/\\ud83d\\ude00"',
    STRING,
    legal,
  );
  bothWith("accept", "with U+2028 and an emoji in a string", '"x":"\u2028😀"', STRING, legal);
  bothWith("accept", "with U+FFFD and U+FFFF in a string", '"x":"\ufffd\uffff"', STRING, legal);
  bothWith("accept", "with an escaped NUL in a string", '"x":"a\\u0000b"', STRING, legal);
  bothWith("accept", "with an empty name", '"":1', STRING, legal);
  return cases.all;
}
