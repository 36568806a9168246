// Claim values in headers. No value can break a header, be read in two ways, or cause a 500.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  INVALID,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { claims, hs256, hs256Token, SECRET } = policies;

/**
 * A second implementation of the documented encoding: everything except visible ASCII and single
 * inner spaces is percent-encoded as UTF-8.
 *
 * @param {string} text
 */
function encoded(text) {
  const bytes = Buffer.from(text, "utf8");
  return [...bytes]
    .map((byte, i) => {
      const innerSpace = byte === 0x20 && i > 0 && i < bytes.length - 1 && bytes[i - 1] !== 0x20;
      const visible = byte > 0x20 && byte < 0x7f && byte !== 0x25;
      return innerSpace || visible
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

withGate(
  "claim values in headers",
  ({ origin }) => ({
    policy: hs256({
      origin,
      forward: {
        claims: { "X-Auth-Subject": "/sub", "X-Auth-Scope": "/scope", "X-Auth-Extra": "/extra" },
      },
    }),
    secrets: { SECRET },
  }),
  (test) => {
    /**
     * Sends a token with changed claims and returns the forwarded request.
     *
     * @param {Running} gate
     * @param {Origin} origin
     * @param {Record<string, unknown>} changes
     * @param {string} why
     */
    const forwarded = async (gate, origin, changes, why) =>
      assertAdmitted(await gate.fetchWith(hs256Token(changes), "/api/a"), origin, why);

    test("forwards strings, with everything except visible ASCII percent-encoded", async ({
      gate,
      origin,
    }) => {
      const subjects = [
        "plain",
        "auth0|123",
        "a b",
        "a  b",
        " a ",
        "100%",
        "%41",
        "é",
        "日本",
        "🙂",
        "a\r\nX-Admin: 1",
        "\n",
        "\u0000",
        "a\tb",
        "\u007f",
        "\u0085",
        "\u2028",
        "a,b;c=d",
        '"quoted"',
        "\\",
        "<script>",
        "a\u0000b",
        "-",
        "=?utf-8?q?=41?=",
        "x".repeat(2000),
      ];
      for (const sub of subjects) {
        const why = JSON.stringify(sub);
        const seen = await forwarded(gate, origin, { sub }, why);
        const subject = seen.header("x-auth-subject") ?? "";
        assert.equal(subject, encoded(sub), why);
        assert.equal(decodeURIComponent(subject), sub, why);
        assert.equal(seen.header("x-admin"), undefined, why);
      }
    });

    test("sets no header for an absent, null or empty claim", async ({ gate, origin }) => {
      for (const extra of [undefined, null, "", [], {}]) {
        const seen = await forwarded(gate, origin, { extra }, JSON.stringify(extra));
        assert.equal(seen.header("x-auth-extra"), undefined, JSON.stringify(extra));
      }
    });

    test("forwards other values as JSON", async ({ gate, origin }) => {
      const values = [
        true,
        false,
        0,
        1,
        -1,
        1.5,
        9007199254740991,
        ["a", "b"],
        ["a,b", "c d"],
        [1, null, { x: [] }],
        { a: "é", b: [1] },
        ["a\r\nb"],
      ];
      for (const extra of values) {
        const why = JSON.stringify(extra);
        const seen = await forwarded(gate, origin, { extra }, why);
        const text = seen.header("x-auth-extra") ?? "";
        assert.match(text, /^[\x20-\x7e]+$/, why);
        assert.deepEqual(JSON.parse(decodeURIComponent(text)), extra, why);
      }
    });

    test("forwards scopes joined by spaces, from a string or an array", async ({
      gate,
      origin,
    }) => {
      for (const scope of ["read write", ["read", "write"]]) {
        const seen = await forwarded(gate, origin, { scope }, JSON.stringify(scope));
        assert.equal(seen.header("x-auth-scope"), "read write");
      }
    });

    test("refuses values over 8 KiB and numbers that parsers read differently", async ({
      gate,
      origin,
    }) => {
      for (const sub of ["x".repeat(9000), "é".repeat(3000), "\n".repeat(3000)]) {
        await assertProblem(await gate.fetchWith(hs256Token({ sub }), "/api/a"), 431, {
          why: `${sub.length} characters`,
        });
        origin.expectNone();
      }
      for (const number of [
        "9007199254740992",
        "-9007199254740993",
        "18446744073709551616",
        "1e300",
      ]) {
        const payload = JSON.stringify(claims({ extra: 0 })).replace(
          '"extra":0',
          `"extra":${number}`,
        );
        const made = tokens.token({ alg: "HS256", key: SECRET, payload });
        await assertProblem(await gate.fetchWith(made, "/api/a"), 431, { why: number });
        origin.expectNone(number);
      }
    });

    test("refuses a subject that is not a string", async ({ gate, origin }) => {
      for (const sub of [1, true, ["user-1"], { id: "user-1" }]) {
        await assertRefused(await gate.fetchWith(hs256Token({ sub }), "/api/a"), 401, INVALID, {
          why: JSON.stringify(sub),
        });
        origin.expectNone();
      }
    });

    test("refuses a malformed payload and does not repair it", async ({ gate, origin }) => {
      const good = JSON.stringify(claims({ sub: "MARK" }));
      const payloads = [
        Buffer.from(good.replace("MARK", "\\ud800")),
        Buffer.from(good.replace("MARK", "\xff"), "latin1"),
        Buffer.from(good.replace("MARK", "\xc0\x80"), "latin1"),
        Buffer.from(good.replace("MARK", "\xed\xa0\x80"), "latin1"),
        Buffer.from(good.replace("MARK", "a\nb")),
        Buffer.from(`\ufeff${good}`),
        Buffer.from(`${good}x`),
        Buffer.from(`${good}\0`),
        Buffer.from(good.slice(0, -1)),
        Buffer.from(good.replace('"sub"', '"sub":"other","sub"')),
        Buffer.from(good.replace('"sub"', '"sub":"other","\\u0073ub"')),
        Buffer.from(good.replace('"MARK"', "[".repeat(100) + "]".repeat(100))),
        Buffer.from(good.replace('"MARK"', "[".repeat(5000) + "]".repeat(5000))),
        Buffer.from(good.replace('"MARK"', "1e400")),
        Buffer.from("[]"),
        Buffer.from('"x"'),
        Buffer.from("1"),
        Buffer.from("null"),
        Buffer.from("{}"),
      ];
      for (const payload of payloads) {
        const made = tokens.token({ alg: "HS256", key: SECRET, payload });
        await assertRefused(await gate.fetchWith(made, "/api/a"), 401, INVALID, {
          why: payload.toString("latin1").slice(0, 80),
        });
        origin.expectNone();
      }
    });
  },
);
