// iss, aud and the other registered claims.

import {
  AUDIENCE,
  Cases,
  HOUR,
  ISSUER,
  NOW,
  claimText,
  claims,
  claimsAnd,
  token,
} from "../kit.mjs";

/** @import { Signer, Verdict } from "../kit.mjs" */

/** The class of all cases that only a verifier which checks iss and aud can get right. */
export const ISSUER_AND_AUDIENCE = "Issuer and audience";

const ISSUER_CLAIM = "RFC 7519 section 4.1.1";
const AUDIENCE_CLAIM = "RFC 7519 section 4.1.3";
const EXACT =
  "iss is a case-sensitive string, and compared without transformations (RFC 7519 section 7.3).";
const NAMED = "A verifier that is not named in aud must reject the token.";

/** @param {Record<string, Signer>} keys */
export function issuerAndAudience(keys) {
  const cases = new Cases(ISSUER_AND_AUDIENCE);
  const key = /** @type {Signer} */ (keys.HS256);
  /**
   * @param {Verdict} verdict
   * @param {string} title
   * @param {Record<string, unknown>} changes
   * @param {string} section
   * @param {string} why
   */
  const add = (verdict, title, changes, section, why) =>
    cases.add(verdict, "HS256", title, token(key, { payload: claims(changes) }), section, why);

  for (const [title, iss] of Object.entries({
    "another issuer": "https://other.example/",
    "the issuer without the slash at its end": ISSUER.slice(0, -1),
    "the issuer with another slash": `${ISSUER}/`,
    "a prefix of the issuer": "https://issuer.example".slice(0, 12),
    "the issuer and more": `${ISSUER}tenant`,
    "the host of the issuer": "issuer.example",
    "the issuer in capitals": ISSUER.toUpperCase(),
    "the issuer with one capital": ISSUER.replace("issuer", "Issuer"),
    "the issuer with another scheme": ISSUER.replace("https", "http"),
    "the issuer after a space": ` ${ISSUER}`,
    "the issuer before a line break": `${ISSUER}\n`,
    "the issuer before NUL": `${ISSUER}\0`,
    "the issuer as user information": "https://issuer.example@evil.example/",
    "a host below the issuer's": "https://a.issuer.example/",
    "the issuer as a prefix of a host": "https://issuer.example.evil.example/",
    "the issuer with a port": "https://issuer.example:443/",
    "the issuer with a dot segment": "https://issuer.example/./",
    "the issuer percent-encoded": "https://issuer%2Eexample/",
    "the issuer with a fullwidth letter": ISSUER.replace("i", "ｉ"),
    "the issuer with a Cyrillic letter": ISSUER.replace("e", "е"),
    "the issuer with a combining mark": ISSUER.replace("e", "e\u0301"),
    "the issuer with a zero-width space": ISSUER.replace("issuer", "iss\u200buer"),
    "an empty string": "",
    "an asterisk": "*",
    "the regular expression .*": ".*",
    "two issuers with a space between": `${ISSUER} https://other.example/`,
    "two issuers with a comma between": `https://other.example/,${ISSUER}`,
    "an array with the issuer": [ISSUER],
    "an array with the issuer and another": [ISSUER, "https://other.example/"],
    "an object with the issuer": { iss: ISSUER },
    "an object whose member is the issuer": { [ISSUER]: true },
    "a number": 1,
    true: true,
    null: null,
  }))
    add("reject", `iss is ${title}`, { iss }, ISSUER_CLAIM, EXACT);
  add(
    "reject",
    "iss is absent",
    { iss: undefined },
    "RFC 8725 section 3.8",
    "The application expects one issuer, and the token names none.",
  );

  for (const [title, aud] of Object.entries({
    "another audience": "https://other.example.com",
    "the audience with a slash": `${AUDIENCE}/`,
    "a prefix of the audience": AUDIENCE.slice(0, -4),
    "a suffix of the audience": "api.example.com",
    "the audience and more": `${AUDIENCE}.evil.example`,
    "the audience in capitals": AUDIENCE.toUpperCase(),
    "the audience with one capital": AUDIENCE.replace("api", "Api"),
    "the audience with a port": `${AUDIENCE}:443`,
    "the audience after a space": ` ${AUDIENCE}`,
    "the audience before NUL": `${AUDIENCE}\0`,
    "the audience with a fullwidth letter": AUDIENCE.replace("a", "ａ"),
    "the audience with a zero-width space": AUDIENCE.replace("api", "a\u200bpi"),
    "an empty string": "",
    "an asterisk": "*",
    "the regular expression .*": ".*",
    "two audiences with a space between": `https://other.example.com ${AUDIENCE}`,
    "two audiences with a comma between": `${AUDIENCE},https://other.example.com`,
    "JSON in a string": JSON.stringify([AUDIENCE]),
    "an empty array": [],
    "an array with another audience": ["https://other.example.com"],
    "an array with a prefix of the audience": [AUDIENCE.slice(0, -4)],
    "an array with an empty string": [""],
    "an array of the audience's letters": [...AUDIENCE],
    "an array in an array": [[AUDIENCE]],
    "an array with an object": [{ aud: AUDIENCE }],
    "an array with null": [null],
    "an object whose member is the audience": { [AUDIENCE]: true },
    "an object like an array": { 0: AUDIENCE, length: 1 },
    "an empty object": {},
    "a number": 1,
    true: true,
    null: null,
  }))
    add("reject", `aud is ${title}`, { aud }, AUDIENCE_CLAIM, NAMED);
  add(
    "reject",
    "aud is absent",
    { aud: undefined },
    "RFC 8725 section 3.9",
    "A token without an audience must be rejected if its issuer makes tokens for several.",
  );

  const contains = "One of the values of aud is the verifier's.";
  for (const [title, aud] of Object.entries({
    "an array with the audience": [AUDIENCE],
    "an array with the audience first": [AUDIENCE, "https://other.example.com"],
    "an array with the audience last": ["https://other.example.com", "x", AUDIENCE],
    "an array with the audience twice": [AUDIENCE, AUDIENCE],
    "an array with an empty string and the audience": ["", AUDIENCE],
    "an array of 301 audiences": [
      ...Array.from({ length: 300 }, (_, index) => `https://a${index}`),
      AUDIENCE,
    ],
  }))
    add("accept", `aud is ${title}`, { aud }, AUDIENCE_CLAIM, contains);
  const mixed =
    "The values must be strings; whether one that is not spoils the others is not said.";
  for (const [title, other] of Object.entries({
    "a number": 1,
    null: null,
    "an object": {},
    "an array": [],
  }))
    add(
      "either",
      `aud is an array with the audience and ${title}`,
      { aud: [AUDIENCE, other] },
      AUDIENCE_CLAIM,
      mixed,
    );

  const written = "The same string, written with escapes.";
  for (const [title, text] of Object.entries({
    "iss with escaped slashes": claimText("iss", JSON.stringify(ISSUER).replaceAll("/", "\\/")),
    "iss with an escaped letter": claimText("iss", JSON.stringify(ISSUER).replace("i", "\\u0069")),
    "aud with an escaped letter": claimText(
      "aud",
      JSON.stringify(AUDIENCE).replace("a", "\\u0061"),
    ),
  }))
    cases.add(
      "accept",
      "HS256",
      title,
      token(key, { payload: text }),
      "RFC 8259 section 8.3",
      written,
    );
  add("reject", "iss and aud exchanged", { iss: AUDIENCE, aud: ISSUER }, ISSUER_CLAIM, EXACT);
  add(
    "reject",
    "iss is in another claim",
    { iss: undefined, issuer: ISSUER },
    "RFC 8725 section 3.8",
    "The application expects one issuer, and the token names none.",
  );
  add(
    "reject",
    "aud is wrong, and azp and client_id are right",
    { aud: "x", azp: AUDIENCE, client_id: AUDIENCE },
    AUDIENCE_CLAIM,
    NAMED,
  );
  return cases.all;
}

/** @param {Record<string, Signer>} keys */
export function members(keys) {
  const cases = new Cases("Names and other claims");
  const named = new Cases(ISSUER_AND_AUDIENCE);
  const key = /** @type {Signer} */ (keys.HS256);
  /**
   * @param {Verdict} verdict
   * @param {string} title
   * @param {string | object} payload
   * @param {string} section
   * @param {string} why
   */
  const add = (verdict, title, payload, section, why) =>
    cases.add(verdict, "HS256", title, token(key, { payload }), section, why);
  /**
   * The same for a case that iss or aud decides.
   *
   * @type {typeof add}
   */
  const addNamed = (verdict, title, payload, section, why) =>
    named.add(verdict, "HS256", title, token(key, { payload }), section, why);
  /**
   * @param {Verdict} verdict
   * @param {string} title
   * @param {string} head
   * @param {string} section
   * @param {string} why
   */
  const head = (verdict, title, head, section, why) =>
    cases.add(verdict, "HS256", title, token(key, { header: head }), section, why);
  const past = NOW - HOUR;
  const later = NOW + HOUR;
  const json = (/** @type {unknown} */ value) => JSON.stringify(value);

  // Verifiers reject repeated names or take the last, so a token is invalid if the last is wrong.
  const REPEATED = "RFC 7519 section 4";
  const HEADER_REPEATED = "RFC 7515 section 4";
  const last = "Verifiers reject repeated names or use the last, and the last is invalid.";
  const choice = "Verifiers reject repeated names or use the last, and the last is valid.";
  const invalid = { exp: past, nbf: later, iss: "https://other.example/", aud: "x" };
  const valid = { exp: later, nbf: past, iss: ISSUER, aud: AUDIENCE };
  for (const name of /** @type {(keyof typeof valid)[]} */ (Object.keys(valid))) {
    const put = name === "iss" || name === "aud" ? addNamed : add;
    put(
      "reject",
      `${name} is there twice, the last invalid`,
      claimsAnd(`"${name}":${json(invalid[name])}`, { [name]: valid[name] }),
      REPEATED,
      last,
    );
    put(
      "either",
      `${name} is there twice, the last valid`,
      claimsAnd(`"${name}":${json(valid[name])}`, { [name]: invalid[name] }),
      REPEATED,
      choice,
    );
    const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
    put(
      "reject",
      `${name} is there twice, the last invalid and its name escaped`,
      claimsAnd(`"${escaped}":${json(invalid[name])}`, { [name]: valid[name] }),
      REPEATED,
      last,
    );
    put(
      "either",
      `${name} is there twice, the last valid and its name escaped`,
      claimsAnd(`"${escaped}":${json(valid[name])}`, { [name]: invalid[name] }),
      REPEATED,
      choice,
    );
    put(
      "accept",
      `the name ${name} is escaped`,
      claimsAnd(`"${escaped}":${json(valid[name])}`, { [name]: undefined }),
      "RFC 8259 section 8.3",
      "The same name, written with an escape.",
    );
    put(
      "reject",
      `the name ${name} is escaped, and its value invalid`,
      claimsAnd(`"${escaped}":${json(invalid[name])}`, { [name]: undefined }),
      "RFC 8259 section 8.3",
      "The same name, written with an escape.",
    );
  }
  add("either", "sub is there twice", claimsAnd('"sub":"admin"'), REPEATED, choice);
  add("either", "an unknown claim is there twice", claimsAnd('"x":1,"x":2'), REPEATED, choice);
  add(
    "either",
    "an object in a claim has a name twice",
    claimsAnd('"x":{"y":1,"y":2}'),
    "RFC 8259 section 4",
    "Names within an object should be unique.",
  );
  head(
    "reject",
    "alg is there twice, none last",
    '{"alg":"HS256","typ":"JWT","alg":"none"}',
    HEADER_REPEATED,
    last,
  );
  head(
    "either",
    "alg is there twice, none first",
    '{"alg":"none","typ":"JWT","alg":"HS256"}',
    HEADER_REPEATED,
    choice,
  );
  head(
    "either",
    "alg is there twice, both the same",
    '{"alg":"HS256","typ":"JWT","alg":"HS256"}',
    HEADER_REPEATED,
    choice,
  );
  head(
    "reject",
    "alg is there twice, none last and its name escaped",
    '{"alg":"HS256","typ":"JWT","\\u0061lg":"none"}',
    HEADER_REPEATED,
    last,
  );
  head(
    "either",
    "kid is there twice",
    '{"alg":"HS256","kid":"1","kid":"2"}',
    HEADER_REPEATED,
    choice,
  );
  head(
    "reject",
    "crit is there twice, the last with an unknown extension",
    '{"alg":"HS256","crit":[],"x":1,"crit":["x"]}',
    HEADER_REPEATED,
    last,
  );
  head(
    "accept",
    "the name alg is escaped",
    '{"\\u0061lg":"HS256","typ":"JWT"}',
    "RFC 8259 section 8.3",
    "The same name, written with an escape.",
  );
  head(
    "accept",
    "the value of alg is escaped",
    '{"alg":"\\u0048S256","typ":"JWT"}',
    "RFC 8259 section 8.3",
    "The same value, written with an escape.",
  );
  head(
    "reject",
    "the name crit is escaped",
    '{"alg":"HS256","\\u0063rit":["x"],"x":1}',
    "RFC 7515 section 4.1.11",
    "The same name, written with an escape.",
  );
  head(
    "reject",
    "the name of alg has a capital",
    '{"Alg":"HS256","typ":"JWT"}',
    "RFC 7515 section 4.1.1",
    "Names are case-sensitive, and alg must be present.",
  );
  head(
    "accept",
    "a member Crit, with a capital",
    '{"alg":"HS256","typ":"JWT","Crit":["x"]}',
    "RFC 7515 section 4",
    "Names are case-sensitive, and unknown members are ignored.",
  );

  const other =
    "Names are case-sensitive and compared without transformations: this is an unknown claim.";
  for (const [title, name] of Object.entries({
    "with a capital": "Exp",
    "in capitals": "EXP",
    "after a space": " exp",
    "before NUL": "exp\0",
    "with a fullwidth letter": "ｅxp",
    "with a combining mark": "e\u0301xp",
    "with a zero-width space": "e\u200bxp",
  }))
    add(
      "accept",
      `exp is future, and a claim exp ${title} is past`,
      claims({ [name]: past }),
      "RFC 7519 section 7.3",
      other,
    );
  for (const [title, name] of Object.entries({
    "with a capital": "Exp",
    "with a fullwidth letter": "ｅxp",
  }))
    add(
      "reject",
      `exp is past, and a claim exp ${title} is future`,
      claims({ exp: past, [name]: later }),
      "RFC 7519 section 4.1.4",
      "exp is past, and the other is an unknown claim.",
    );
  for (const [title, name] of Object.entries({
    "with a capital": "Aud",
    "with a zero-width space": "a\u200bud",
  }))
    addNamed(
      "reject",
      `aud is wrong, and a claim aud ${title} is right`,
      claims({ aud: "x", [name]: AUDIENCE }),
      "RFC 7519 section 4.1.3",
      "aud is wrong, and the other is an unknown claim.",
    );

  const object = json(claims());
  addNamed(
    "reject",
    "the claims are in __proto__",
    `{"__proto__":${object}}`,
    "RFC 8725 section 3.9",
    "The token has neither iss nor aud.",
  );
  add(
    "reject",
    "exp is past, and __proto__ has a future exp",
    claimsAnd(`"__proto__":{"exp":${later}}`, { exp: past }),
    "RFC 7519 section 4.1.4",
    "exp is past.",
  );
  add(
    "accept",
    "a claim named __proto__ has a past exp",
    claimsAnd(`"__proto__":{"exp":${past}}`),
    "RFC 7519 section 4",
    "Claims that are not understood are ignored.",
  );
  addNamed(
    "reject",
    "the claims are in an object",
    { payload: claims() },
    "RFC 8725 section 3.9",
    "The token has neither iss nor aud.",
  );
  for (const name of ["constructor", "toString", "hasOwnProperty", "then", "toJSON", "length"])
    add(
      "accept",
      `a claim named ${name}`,
      claims({ [name]: "x" }),
      "RFC 7519 section 4",
      "Claims that are not understood are ignored.",
    );

  const ignored = "Claims that are not understood are ignored.";
  for (const [title, changes] of Object.entries({
    "an unknown claim that is a deep object": { x: { y: { z: [{ exp: 1 }] } } },
    "a claim whose name is a URI": { "https://example.com/roles": ["admin"] },
    "a claim of 6,000 letters": { x: "a".repeat(6000) },
    "300 claims": Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`x${index}`, index]),
    ),
    "an unknown claim that is null": { x: null },
  }))
    add("accept", title, claims(changes), "RFC 7519 section 4", ignored);
  add(
    "accept",
    "sub is absent",
    claims({ sub: undefined }),
    "RFC 7519 section 4.1.2",
    "sub is optional.",
  );
  add(
    "accept",
    "jti is a string",
    claims({ jti: "x" }),
    "RFC 7519 section 4.1.7",
    "jti is optional.",
  );
  const string =
    "The value must be a string; whether a verifier that does not use it checks this is not said.";
  for (const [title, value] of Object.entries({
    "a number": 1,
    null: null,
    "an array": ["user-1"],
    "an object": {},
    true: true,
  })) {
    add("either", `sub is ${title}`, claims({ sub: value }), "RFC 7519 section 4.1.2", string);
    add("either", `jti is ${title}`, claims({ jti: value }), "RFC 7519 section 4.1.7", string);
  }
  add(
    "either",
    "cnf binds the token to a key",
    claims({ cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
    "RFC 7800 section 3",
    "What to do with a token that is bound to a key, but sent without a proof, is left to the application.",
  );
  add(
    "either",
    "events says that the token is a logout token",
    claims({ events: { "http://schemas.openid.net/event/backchannel-logout": {} } }),
    "RFC 8725 section 3.12",
    "How kinds of tokens are told apart is left to the application.",
  );
  add(
    "either",
    "nonce, as in an ID token",
    claims({ nonce: "x" }),
    "RFC 8725 section 3.12",
    "How kinds of tokens are told apart is left to the application.",
  );
  add(
    "accept",
    "scope is a string",
    claims({ scope: "read write" }),
    "RFC 7519 section 4",
    ignored,
  );
  return [...cases.all, ...named.all];
}
