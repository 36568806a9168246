// Header parameters.

import { ALGORITHMS_AND_KEYS } from "./algorithms.mjs";
import {
  ALGORITHMS,
  Cases,
  HOUR,
  ISSUER,
  NOW,
  b64,
  claims,
  header,
  headerAnd,
  newKey,
  seal,
  segments,
  token,
  withSignature,
} from "../kit.mjs";

/** @import { Part, Signer, Verdict } from "../kit.mjs" */

const CRITICAL = "RFC 7515 section 4.1.11";
const NOT_UNDERSTOOD =
  "The token is invalid if the verifier does not understand a critical extension.";
const MAY =
  "Verifiers may consider a token invalid that breaks a constraint on the use of crit; they need not.";
const IGNORED = "Header parameters that the verifier does not understand are ignored.";
const KEY_ID = "RFC 7515 section 4.1.4";
const TYPE = "RFC 7519 section 5.1";
const CHOSEN =
  "Which types are accepted is left to the application (see also RFC 8725 section 3.11).";

/** @param {Record<string, Signer>} keys */
export function headers(keys) {
  const cases = new Cases("Header parameters");
  const forgeries = new Cases(ALGORITHMS_AND_KEYS);
  const key = /** @type {Signer} */ (keys.HS256);
  /**
   * Adds a case whose token is signed with the configured key.
   *
   * @param {Verdict} verdict
   * @param {string} title
   * @param {Part} head
   * @param {string} section
   * @param {string} why
   * @param {string} [name]
   */
  const add = (verdict, title, head, section, why, name = "HS256") =>
    cases.add(
      verdict,
      name,
      title,
      token(/** @type {Signer} */ (keys[name]), { header: head }),
      section,
      why,
    );
  /**
   * Adds a case whose token is signed with the secret, but names another algorithm.
   *
   * @param {string} title
   * @param {Part} head
   * @param {string} section
   * @param {string} why
   */
  const addForgery = (title, head, section, why) =>
    forgeries.add("reject", "HS256", title, token(key, { header: head }), section, why);
  /** @param {Record<string, unknown>} changes */
  const plus = (changes) => header(key, changes);

  for (const name of ALGORITHMS) {
    const own = /** @type {Signer} */ (keys[name]);
    add(
      "reject",
      "crit names an unknown extension",
      header(own, { crit: ["x"], x: 1 }),
      CRITICAL,
      NOT_UNDERSTOOD,
      name,
    );
    add(
      "reject",
      "crit names an absent member",
      header(own, { crit: ["x"] }),
      CRITICAL,
      NOT_UNDERSTOOD,
      name,
    );
  }
  for (const [title, changes] of Object.entries({
    "crit names an extension whose name is a URI": {
      crit: ["https://example.com/x"],
      "https://example.com/x": true,
    },
    "crit names exp, which is a member": { crit: ["exp"], exp: NOW + HOUR },
    "crit names exp, which is absent": { crit: ["exp"] },
    "crit names the same extension twice": { crit: ["x", "x"], x: 1 },
    "crit names two extensions": { crit: ["x", "y"], x: 1, y: 2 },
    "crit names b64, which is absent, and an unknown extension": { crit: ["b64", "x"], x: 1 },
    "crit names an extension whose value is null": { crit: ["x"], x: null },
    "crit names an extension whose name is empty": { crit: [""], "": 1 },
    "crit names __proto__": { crit: ["__proto__"] },
    "crit names toString": { crit: ["toString"] },
  }))
    add("reject", title, plus(changes), CRITICAL, NOT_UNDERSTOOD);
  for (const [title, crit] of Object.entries({
    "crit is an empty array": [],
    "crit is null": null,
    "crit is an empty string": "",
    "crit is a string": "x",
    "crit is true": true,
    "crit is an object": { x: 1 },
    "crit is an array with a number": [1],
    "crit names alg": ["alg"],
    "crit names typ": ["typ"],
  }))
    add("either", title, plus({ crit }), CRITICAL, MAY);

  const unencoded = "RFC 7797 section 7";
  const never =
    "A JWT must not use b64 with false; a verifier without the extension must reject crit.";
  add(
    "reject",
    "b64 is false and crit names it",
    plus({ b64: false, crit: ["b64"] }),
    unencoded,
    never,
  );
  const raw = `${b64(plus({ b64: false, crit: ["b64"] }))}.${JSON.stringify(claims({ iss: "https://issuer/", aud: "api" })).replaceAll(".", "")}`;
  cases.add(
    "reject",
    "HS256",
    "b64 is false, crit names it, and the payload is not encoded",
    `${raw}.${b64(key.sign(raw))}`,
    unencoded,
    never,
  );
  const plain = `${b64(plus({ b64: false }))}.${JSON.stringify(claims())}`;
  cases.add(
    "reject",
    "HS256",
    "b64 is false without crit, and the payload is not encoded",
    `${plain}.${b64(key.sign(plain))}`,
    unencoded,
    never,
  );
  add(
    "either",
    "b64 is false without crit, and the payload is encoded",
    plus({ b64: false }),
    "RFC 7797 section 6",
    "A verifier with the extension requires crit; one without it ignores b64.",
  );
  add(
    "either",
    "b64 is true and crit names it",
    plus({ b64: true, crit: ["b64"] }),
    "RFC 7797 section 6",
    "A verifier with the extension accepts this; one without it must reject crit.",
  );
  add(
    "accept",
    "b64 is true without crit",
    plus({ b64: true }),
    "RFC 7797 section 3",
    "true is the default; a verifier without the extension ignores b64.",
  );

  // Keys in headers. `wrong` signs, and its public key is in the header.
  for (const name of ["RS256", "ES256", "EdDSA"]) {
    const own = /** @type {Signer} */ (keys[name]);
    const wrong = newKey(name);
    const forged = (/** @type {Record<string, unknown>} */ changes) =>
      token(wrong, { header: header(own, changes) });
    const foreign =
      "The key must be one that the application trusts, not one that the token names.";
    const section = "RFC 8725 section 3.10";
    forgeries.add(
      "reject",
      name,
      "signed with the key in jwk",
      forged({ jwk: wrong.jwk }),
      section,
      foreign,
    );
    forgeries.add(
      "reject",
      name,
      "signed with a key named by jku",
      forged({ jku: "https://127.0.0.1:9/jwks.json", kid: "1" }),
      section,
      foreign,
    );
    forgeries.add(
      "reject",
      name,
      "signed with a key named by x5u",
      forged({ x5u: "https://127.0.0.1:9/cert.pem" }),
      section,
      foreign,
    );
    forgeries.add(
      "reject",
      name,
      "signed with a key in x5c",
      forged({
        x5c: [wrong.publicKey?.export({ type: "spki", format: "der" }).toString("base64")],
      }),
      section,
      foreign,
    );
    // An RSA key is so long that a limit for the size of headers may apply.
    if (name !== "RS256")
      add(
        "accept",
        "jwk holds the configured key, which signed",
        header(own, { jwk: own.jwk }),
        "RFC 7515 section 4.1.3",
        "jwk is a JSON object, optional, and need not be used.",
        name,
      );
    add(
      "either",
      "jwk holds another key than the one that signed",
      header(own, { jwk: wrong.jwk }),
      "RFC 7515 section 4.1.3",
      "jwk is the key that signed; whether a verifier compares it is not said.",
      name,
    );
  }
  const secret = newKey("HS256");
  forgeries.add(
    "reject",
    "HS256",
    "signed with the secret in jwk",
    token(secret, { header: plus({ jwk: secret.jwk }) }),
    "RFC 8725 section 3.10",
    "The key must be one that the application trusts, not one that the token names.",
  );
  for (const [title, changes] of Object.entries({
    "jku, unused": { jku: "https://127.0.0.1:9/jwks.json" },
    "x5u, unused": { x5u: "https://127.0.0.1:9/cert.pem" },
    "x5t, unused": { x5t: "dGhpcyBpcyBhIFNIQTEgdGVzdCE" },
  }))
    add(
      "accept",
      `the header has ${title}`,
      plus(changes),
      "RFC 7515 section 4.1",
      "The parameter is optional and need not be used.",
    );

  for (const kid of [
    "",
    "1",
    "../../../../dev/null",
    "' OR 1=1 --",
    "a\u0000b",
    "__proto__",
    "日本",
    "k".repeat(300),
  ])
    add(
      "accept",
      `kid is ${kid.length > 20 ? "300 letters" : JSON.stringify(kid)}`,
      plus({ kid }),
      KEY_ID,
      "kid is a hint, and the configured key has no ID that it could contradict.",
    );
  for (const [title, kid] of Object.entries({
    "a number": 1,
    null: null,
    true: true,
    "an array": ["1"],
    "an object": {},
  }))
    add(
      "either",
      `kid is ${title}`,
      plus({ kid }),
      KEY_ID,
      "kid must be a string; whether a verifier that does not use it checks this is not said.",
    );
  add(
    "either",
    "kid is 4,000 letters",
    plus({ kid: "k".repeat(4000) }),
    KEY_ID,
    "The standard has no limit, and forbids none.",
  );

  const media = "typ is a media type, in any case, and application/ may be omitted.";
  for (const typ of ["jwt", "Jwt", "application/jwt", "application/JWT", "APPLICATION/JWT"])
    add("accept", `typ is ${typ}`, plus({ typ }), "RFC 7515 section 4.1.9", media);
  for (const typ of [
    "at+jwt",
    "application/at+jwt",
    "dpop+jwt",
    "logout+jwt",
    "secevent+jwt",
    "token-introspection+jwt",
    "JOSE",
    "JWS",
    "x",
    "",
  ])
    add("either", `typ is ${JSON.stringify(typ)}`, plus({ typ }), TYPE, CHOSEN);
  for (const [title, typ] of Object.entries({
    "a number": 1,
    null: null,
    "an array": ["JWT"],
    "an object": {},
  }))
    add("either", `typ is ${title}`, plus({ typ }), TYPE, CHOSEN);
  add(
    "accept",
    "cty is json",
    plus({ cty: "json" }),
    "RFC 7515 section 4.1.10",
    "Verifiers of a JWS ignore cty, unless it is JWT.",
  );
  add(
    "either",
    "cty is a number",
    plus({ cty: 1 }),
    "RFC 7515 section 4.1.10",
    "Whether a verifier that does not use cty checks its type is not said.",
  );

  for (const [title, changes] of Object.entries({
    "zip, which only encrypted tokens have": { zip: "DEF" },
    "an unknown member": { x: 1 },
    "an unknown member that is an object": { x: { alg: "none", crit: ["y"] } },
    "a member named constructor": { constructor: { name: "x" } },
    "a member whose name is a URI": { "https://example.com/x": [null] },
    "the member p2c, an enormous number": { p2c: 2 ** 50 },
  }))
    add("accept", `the header has ${title}`, plus(changes), "RFC 7515 section 4", IGNORED);
  add(
    "accept",
    "the header has a member named __proto__",
    headerAnd(key, '"__proto__":{"crit":["x"]}'),
    "RFC 7515 section 4",
    IGNORED,
  );
  add(
    "reject",
    "only __proto__ has alg",
    '{"__proto__":{"alg":"HS256"},"typ":"JWT"}',
    "RFC 7515 section 4.1.1",
    "alg must be present.",
  );
  add(
    "either",
    "the header has enc, which only encrypted tokens have",
    plus({ enc: "A128GCM" }),
    "RFC 7516 section 9",
    "A verifier may take enc as the sign of an encrypted token, or ignore it.",
  );
  add(
    "accept",
    "iss and aud are repeated in the header",
    plus({ iss: ISSUER, aud: claims().aud }),
    "RFC 7515 section 4",
    IGNORED,
  );
  add(
    "either",
    "another iss is in the header",
    plus({ iss: "https://other.example/" }),
    "RFC 7519 section 5.3",
    "Applications should check that repeated claims are identical.",
  );
  cases.add(
    "accept",
    "HS256",
    "the payload has crit and alg",
    token(key, { payload: claims({ crit: ["x"], alg: "none" }) }),
    "RFC 7519 section 4",
    "They have no meaning as claims.",
  );

  // Not signed at all.
  const none = "RFC 8725 section 3.1";
  const unsigned =
    "Only the algorithms that the application allows may be used, and none is not one.";
  for (const name of ALGORITHMS) {
    for (const alg of ["none", "None", "NONE", "nOnE"]) {
      const text = `${b64({ alg, typ: "JWT" })}.${b64(claims())}.`;
      forgeries.add(
        "reject",
        name,
        `alg is ${alg}, and the signature is empty`,
        text,
        none,
        unsigned,
      );
    }
    const own = /** @type {Signer} */ (keys[name]);
    const [, payload, signature] = segments(token(own));
    const head = b64({ alg: "none", typ: "JWT" });
    forgeries.add(
      "reject",
      name,
      "alg is none, with the signature of another header",
      `${head}.${payload}.${signature}`,
      none,
      unsigned,
    );
    forgeries.add(
      "reject",
      name,
      "alg is none, signed with the key",
      seal(own, head, payload),
      none,
      unsigned,
    );
    forgeries.add(
      "reject",
      name,
      "alg is none, in two segments",
      `${head}.${payload}`,
      none,
      unsigned,
    );
  }
  for (const alg of [
    "none ",
    " none",
    "none\u0000",
    "",
    "ｎｏｎｅ",
    "false",
    "null",
    "undefined",
  ]) {
    const text = `${b64({ alg, typ: "JWT" })}.${b64(claims())}.`;
    forgeries.add(
      "reject",
      "HS256",
      `alg is ${JSON.stringify(alg)}, and the signature is empty`,
      text,
      none,
      unsigned,
    );
  }
  const mismatch = "alg is a case-sensitive string that names the algorithm.";
  for (const alg of [
    "hs256",
    "Hs256",
    "HS256 ",
    " HS256",
    "HS-256",
    "HS256\u0000",
    "ＨＳ２５６",
    "HMAC",
    "toString",
    "__proto__",
    "constructor",
  ])
    addForgery(
      `alg is ${JSON.stringify(alg)}, signed with the key`,
      plus({ alg }),
      "RFC 7515 section 4.1.1",
      mismatch,
    );
  for (const [title, alg] of Object.entries({
    absent: undefined,
    null: null,
    true: true,
    "a number": 256,
    "an array": ["HS256"],
    "an object": { HS256: true },
  })) {
    addForgery(
      `alg is ${title}, signed with the key`,
      plus({ alg }),
      "RFC 7515 section 4.1.1",
      mismatch,
    );
    const text = withSignature(token(key, { header: plus({ alg }) }), "");
    forgeries.add(
      "reject",
      "HS256",
      `alg is ${title}, and the signature is empty`,
      text,
      "RFC 7515 section 4.1.1",
      mismatch,
    );
  }
  return [...cases.all, ...forgeries.all];
}
