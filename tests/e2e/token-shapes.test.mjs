// Malformed and forged tokens are refused and never cause a 500. Valid tokens in unusual forms are
// admitted (RFC 7515 sections 4 and 5.2, RFC 7519 section 7.2, RFC 8725).

import {
  assertAdmitted,
  assertRefused,
  EXPIRED,
  INVALID,
  INVALID_REQUEST,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */
/** @import { Parts } from "./harness/tokens.mjs" */

const { AUDIENCE, claims, hs256, hs256Token, ISSUER, SECRET } = policies;

const now = tokens.now();

/**
 * A signed token with this payload.
 *
 * @param {Parts["payload"]} payload
 */
const withPayload = (payload) => tokens.token({ key: SECRET, payload });
/**
 * A signed token with this header.
 *
 * @param {Parts["header"]} header
 */
const withHeader = (header) => tokens.token({ key: SECRET, header, payload: claims() });

/**
 * A signed token with one claim whose value is given as JSON text, which may be one that no JSON
 * library writes.
 *
 * @param {string} name
 * @param {string} text
 */
const withClaim = (name, text) =>
  withPayload(JSON.stringify(claims({ [name]: "MARK" })).replace('"MARK"', text));

withGate(
  "a token",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    /**
     * @param {Running} gate
     * @param {Origin} origin
     * @param {Record<string, string>} made tokens by descriptions
     * @param {Record<string, string | RegExp>} [challenge]
     */
    const allRefused = async (gate, origin, made, challenge = INVALID) => {
      for (const [why, token] of Object.entries(made)) {
        const response = await gate.raw({
          target: "/api/a",
          headers: [["Authorization", `Bearer ${token}`]],
        });
        await assertRefused(response, 401, challenge, { why });
        origin.expectNone(why);
      }
    };

    /**
     * @param {Running} gate
     * @param {Origin} origin
     * @param {Record<string, string>} made tokens by descriptions
     */
    const allAdmitted = async (gate, origin, made) => {
      for (const [why, token] of Object.entries(made))
        await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin, why);
    };

    test("RFC 7515 section 7.1: is refused if it does not have three segments", async ({
      gate,
      origin,
    }) => {
      const good = hs256Token();
      const [h, p, s] = tokens.segments(good);
      await allRefused(gate, origin, {
        "one segment": h,
        "two segments": `${h}.${p}`,
        "no signature": `${h}.${p}.`,
        "no payload": `${h}..${s}`,
        "no header": `.${p}.${s}`,
        "four segments": `${good}.`,
        "five segments, as a JWE has": `${h}.${s}.${s}.${p}.${s}`,
        "a dot before": `.${good}`,
        "only dots": "..",
        "a great many dots": ".".repeat(16_000),
        "twice the token": `${good}.${good}`,
      });
    });

    test("RFC 7515 section 2: is refused if it is not in unpadded base64url", async ({
      gate,
      origin,
    }) => {
      const [h, p, s] = tokens.segments(hs256Token({ pad: "??>>" }));
      const standard = (/** @type {string} */ segment) =>
        Buffer.from(segment, "base64url").toString("base64");
      await allRefused(gate, origin, {
        "a padded signature": `${h}.${p}.${s}=`,
        "the standard alphabet throughout": [h, p, s].map(standard).join(".").replaceAll("=", ""),
        "a tilde": `${h}.${p}.${s.slice(0, -1)}~`,
        "one character more": `${h}.${p}.${s}A`,
        "one character less": `${h}.${p}.${s.slice(0, -1)}`,
        "a signature cut in half": `${h}.${p}.${s.slice(0, 20)}`,
        "an overlong signature": `${h}.${p}.${s.repeat(300)}`,
      });
    });

    test("RFC 8725 section 2.4: is refused if a part is not a strict JSON object", async ({
      gate,
      origin,
    }) => {
      const header = '{"alg":"HS256","typ":"JWT"}';
      const payload = JSON.stringify(claims());
      const broken = (/** @type {string} */ good) => ({
        "an array": `[${good}]`,
        "a string": JSON.stringify(good),
        nothing: " ",
        "trailing text": `${good}x`,
        "two objects": good + good,
        "a byte order mark": `\ufeff${good}`,
        "a comment": good.replace("{", "{/**/"),
        "single quotes": good.replaceAll('"', "'"),
        "a trailing comma": good.replace("}", ",}"),
        "cut short": good.slice(0, -1),
        "a NUL after it": `${good}\0`,
        "a raw line break in a string": good.replace('":"', '":"\n'),
        NaN: good.replace("{", '{"x":NaN,'),
        "a leading zero": good.replace("{", '{"x":01,'),
        "a number that overflows": good.replace("{", '{"x":1e400,'),
        "a lone surrogate": good.replace("{", '{"x":"\\udc00",'),
        "a name twice": good.replace("{", '{"x":1,"x":1,'),
        "a name twice, once escaped": good.replace("{", '{"x":1,"\\u0078":1,'),
        "a name twice, deep down": good.replace("{", '{"x":[{"y":1,"y":2}],'),
        "too deep": good.replace("{", `{"x":${"[".repeat(40)}${"]".repeat(40)},`),
        "far too deep": good.replace("{", `{"x":${"[".repeat(5000)}${"]".repeat(5000)},`),
      });
      for (const [why, text] of Object.entries(broken(header)))
        await allRefused(gate, origin, { [`header: ${why}`]: withHeader(text) });
      for (const [why, text] of Object.entries(broken(payload)))
        await allRefused(gate, origin, { [`payload: ${why}`]: withPayload(text) });
      await allRefused(gate, origin, {
        "a header of other bytes than UTF-8": withHeader(
          Buffer.from('{"alg":"HS256","x":"\xff"}', "latin1"),
        ),
        "two algorithms": withHeader('{"alg":"none","alg":"HS256"}'),
        "no algorithm": withHeader('{"typ":"JWT"}'),
      });
    });

    test("RFC 7515 section 4.1.11, RFC 7797: is refused if it has crit or b64", async ({
      gate,
      origin,
    }) => {
      const crits = [["exp"], ["foo"], [], "b64", null, ["b64", "b64"], ["alg"], [1], {}];
      for (const crit of crits) {
        for (const more of [{}, { foo: 1, b64: true, exp: 1 }]) {
          await allRefused(gate, origin, {
            [JSON.stringify({ crit, ...more })]: hs256Token({}, { header: { crit, ...more } }),
          });
        }
      }
      for (const b64 of [false, "false", null])
        await allRefused(gate, origin, { [`b64 ${b64}`]: hs256Token({}, { header: { b64 } }) });
    });

    test("RFC 8725 section 3.12: is refused if it has another typ or is a nested JWT", async ({
      gate,
      origin,
    }) => {
      for (const typ of [
        "logout+jwt",
        "dpop+jwt",
        "id_token",
        "application/logout+jwt",
        "JWE",
        "at+jwtx",
        "application/",
        "text/JWT",
        "",
        1,
        null,
        ["JWT"],
      ]) {
        await allRefused(gate, origin, {
          [`typ ${JSON.stringify(typ)}`]: hs256Token({}, { header: { typ } }),
        });
      }
      await allRefused(gate, origin, { "cty JWT": hs256Token({}, { header: { cty: "JWT" } }) });
    });

    test("RFC 7519 section 4.1.4: is refused if exp is missing, malformed or past", async ({
      gate,
      origin,
    }) => {
      for (const text of [
        '"9999999999"',
        '"x"',
        "null",
        "true",
        "[]",
        "{}",
        "1e308",
        "9007199254740992",
        "9223372036854775808",
        "1e400",
        "-9007199254740993",
      ]) {
        await allRefused(gate, origin, { [`exp ${text}`]: withClaim("exp", text) });
      }
      await allRefused(gate, origin, { "no exp": hs256Token({ exp: undefined }) });
      for (const text of ["0", "-1", "-0", String(now - 3600), `${now - 3600}.5`]) {
        await allRefused(gate, origin, { [`exp ${text}`]: withClaim("exp", text) }, EXPIRED);
      }
    });

    test("RFC 7519 sections 4.1.5, 4.1.6: is refused if nbf or iat is malformed or future", async ({
      gate,
      origin,
    }) => {
      for (const name of ["nbf", "iat"]) {
        for (const text of [
          '"9999999999"',
          '"0"',
          "null",
          "true",
          "[]",
          "{}",
          "1e308",
          "9007199254740992",
          String(now + 3600),
        ]) {
          await allRefused(gate, origin, { [`${name} ${text}`]: withClaim(name, text) });
        }
      }
    });

    test("RFC 7519 section 4.1.3: is refused if it has another audience", async ({
      gate,
      origin,
    }) => {
      for (const aud of [
        [1, AUDIENCE],
        { [AUDIENCE]: 1 },
        [],
        [[AUDIENCE]],
        `${AUDIENCE}x`,
        AUDIENCE.slice(0, -1),
        AUDIENCE.toUpperCase(),
        `${AUDIENCE} `,
        `${AUDIENCE}/`,
        null,
        "",
        undefined,
        1,
        `x ${AUDIENCE}`,
      ]) {
        await allRefused(gate, origin, { [`aud ${JSON.stringify(aud)}`]: hs256Token({ aud }) });
      }
    });

    test("RFC 8725 section 3.8: is refused if it has another issuer", async ({ gate, origin }) => {
      for (const iss of [
        [ISSUER],
        ISSUER.slice(0, -1),
        `${ISSUER}/`,
        ISSUER.toUpperCase(),
        "https://issuer.example.evil/",
        "https://issuer.example@evil/",
        "https://issuer.ex\u0430mple/",
        "*",
        "",
        null,
        undefined,
        1,
        `${ISSUER} `,
      ]) {
        await allRefused(gate, origin, { [`iss ${JSON.stringify(iss)}`]: hs256Token({ iss }) });
      }
    });

    test("RFC 7800 section 3.1: is refused as a bearer token if it is bound to a key", async ({
      gate,
      origin,
    }) => {
      for (const cnf of [{ jkt: "x" }, { "x5t#S256": "x" }, {}, null, "x"]) {
        await allRefused(gate, origin, { [`cnf ${JSON.stringify(cnf)}`]: hs256Token({ cnf }) });
      }
    });

    test("is refused with 400 if it is too large", async ({ gate, origin }) => {
      for (const token of [
        hs256Token({}, { header: { kid: "k".repeat(20_000) } }),
        hs256Token({ x: "x".repeat(60_000) }),
      ]) {
        await assertRefused(
          await gate.raw({ target: "/api/a", headers: [["Authorization", `Bearer ${token}`]] }),
          400,
          INVALID_REQUEST,
        );
        origin.expectNone();
      }
    });

    test("is admitted if it is valid but unusual", async ({ gate, origin }) => {
      const evil = {
        jku: "https://evil.example/",
        x5u: "https://evil.example/",
        jwk: { kty: "oct", k: "AAAA" },
        x5c: ["AAAA"],
      };
      const headers = [
        { kid: "any" },
        { kid: "" },
        evil,
        { typ: undefined },
        { typ: "at+jwt" },
        { typ: "AT+JWT" },
        { typ: "application/at+jwt" },
        { typ: "jwt" },
        { typ: "application/JWT" },
        { unknown: [1, { a: null }] },
      ];
      const changes = [
        { aud: ["https://x", AUDIENCE] },
        { aud: [AUDIENCE] },
        { exp: now + 3600.5 },
        { nbf: now - 10, iat: now - 10 },
        { nbf: now + 30 },
        { exp: now - 30 },
        { iat: 0 },
        { jti: "x" },
        { nobody: { reads: [1e20, -0, 1e-5, "\u0000", null, true, { deep: [[[]]] }] } },
      ];
      for (const header of headers)
        await allAdmitted(gate, origin, { [JSON.stringify(header)]: hs256Token({}, { header }) });
      for (const change of changes)
        await allAdmitted(gate, origin, { [JSON.stringify(change)]: hs256Token(change) });
      await allAdmitted(gate, origin, {
        "white space in the JSON": tokens.token({
          key: SECRET,
          header: ' {\n"alg" : "HS256" } ',
          payload: JSON.stringify(claims(), null, "\t"),
        }),
        "escapes in the JSON": tokens.token({
          key: SECRET,
          header: '{"\\u0061lg":"HS\\u003256"}',
          payload: claims(),
        }),
        "exp as 1E10": withClaim("exp", "1E10"),
      });
    });
  },
);
