// The Authorization header must contain exactly one well-formed credential (RFC 6750 section 2.1,
// RFC 9110 section 11.6.2).

import {
  assertAdmitted,
  assertRefused,
  INVALID,
  INVALID_REQUEST,
  policies,
  withGate,
} from "./harness/index.mjs";

/** @import { Running } from "./harness/running.mjs" */
/** @import { RawRequest } from "./harness/socket.mjs" */

const { hs256, hs256Token, SECRET } = policies;

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `the Authorization header in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      /**
       * Uses a raw socket, because HTTP libraries normalize headers.
       *
       * @param {Running} gate
       * @param {string[]} values
       */
      const send = (gate, ...values) =>
        gate.raw({
          target: "/api/items",
          headers: values.map((value) => ["Authorization", value]),
        });

      test("RFC 9110 section 11.1: the scheme is case-insensitive", async ({ gate, origin }) => {
        for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
          await assertAdmitted(await send(gate, `${scheme} ${hs256Token()}`), origin, scheme);
        }
      });

      test("RFC 6750 section 2.1: accepts one or more spaces before the token", async ({
        gate,
        origin,
      }) => {
        for (const spaces of [" ", "  ", "     "]) {
          await assertAdmitted(
            await send(gate, `Bearer${spaces}${hs256Token()}`),
            origin,
            JSON.stringify(spaces),
          );
        }
      });

      test("answers 400 to a malformed Bearer credential", async ({ gate, origin }) => {
        const good = hs256Token();
        const malformed = [
          "Bearer",
          "bearer",
          "Bearer ",
          `Bearer\t${good}`,
          `Bearer \t${good}`,
          `Bearer ${good} ${good}`,
          `Bearer ${good} x`,
          `Bearer "${good}"`,
          `Bearer token="${good}"`,
          `Bearer ${good},`,
          `Bearer ${good}, realm=x`,
          `Bearer ,${good}`,
          `Bearer: ${good}`,
          `Bearer=${good}`,
          `Bearer ${good};`,
          `Bearer ${good}%20`,
          `Bearer ${good}\xa0`,
          `Bearer\xa0${good}`,
          `Bearer ${good.replace(".", "\xe2\x80\x90")}`,
          `Bearer ==`,
          `Bearer ${good}=a`,
          `Bearer {${good}}`,
        ];
        for (const value of malformed) {
          const why = JSON.stringify(value.replaceAll(good, "TOKEN"));
          await assertRefused(await send(gate, value), 400, INVALID_REQUEST, { why });
          origin.expectNone(why);
        }
      });

      test("answers 401 to a b64token that is not a valid JWT", async ({ gate, origin }) => {
        for (const value of [
          "a",
          "a.b",
          "a.b.c",
          "...",
          "a..c",
          ".b.",
          "a.b.c.d",
          "a.b.c.d.e",
          "~+/",
          "AAAA====",
          hs256Token() + "=",
        ]) {
          await assertRefused(await send(gate, `Bearer ${value}`), 401, INVALID, { why: value });
          origin.expectNone(value);
        }
      });

      test("answers 400 to two credentials, in two lines or in one, equal or not", async ({
        gate,
        origin,
      }) => {
        const good = hs256Token();
        const other = hs256Token({ sub: "user-2" });
        const bad = "a.b.c";
        const pairs = [
          [`Bearer ${good}`, `Bearer ${good}`],
          [`Bearer ${good}`, `Bearer ${other}`],
          [`Bearer ${good}`, `Bearer ${bad}`],
          [`Bearer ${bad}`, `Bearer ${good}`],
          [`Bearer ${good}`, "Basic dXNlcjpwYXNz"],
          ["Basic dXNlcjpwYXNz", `Bearer ${good}`],
          [`Bearer ${good}`, "Bearer"],
          [`Bearer ${good}`, "x"],
          [`Bearer ${good}`, ""],
          [`Bearer ${good}, Bearer ${other}`],
          [`bearer ${good},bearer ${good}`],
          [`Basic dXNlcjpwYXNz, Bearer ${good}`],
          [`Bearer ${good}, Basic dXNlcjpwYXNz`],
        ];
        for (const values of pairs) {
          const why = JSON.stringify(values).replaceAll(good, "TOKEN").replaceAll(other, "OTHER");
          await assertRefused(await send(gate, ...values), 400, INVALID_REQUEST, { why });
          origin.expectNone(why);
        }
      });

      test("ignores an empty line before the credential, which the runtime removes", async ({
        gate,
        origin,
      }) => {
        await assertAdmitted(await send(gate, "", `Bearer ${hs256Token()}`), origin);
        await assertRefused(await send(gate, "", ""), 401);
        origin.expectNone();
      });

      test("RFC 9110 section 11.1: treats a credential of another scheme as no token", async ({
        gate,
        origin,
      }) => {
        const good = hs256Token();
        for (const value of [
          "Basic dXNlcjpwYXNz",
          `DPoP ${good}`,
          `Token ${good}`,
          `Bearerx ${good}`,
          `JWT ${good}`,
          `Negotiate YWJj`,
        ]) {
          await assertRefused(await send(gate, value), 401, {}, { why: value });
          origin.expectNone(value);
        }
      });

      test("accepts a token of 16 KiB and answers 400 to a longer one", async ({
        gate,
        origin,
      }) => {
        const base = hs256Token({ filler: "" });
        // Base64url encodes three bytes of a claim as four characters.
        const ofLength = (/** @type {number} */ length) =>
          hs256Token({ filler: "x".repeat(Math.floor(((length - base.length) * 3) / 4)) });
        await assertAdmitted(await send(gate, `Bearer ${ofLength(16_380)}`), origin);
        await assertRefused(await send(gate, `Bearer ${ofLength(16_400)}`), 400, INVALID_REQUEST);
        origin.expectNone();
        await assertRefused(
          await send(gate, `Bearer ${".".repeat(100_000)}`),
          400,
          INVALID_REQUEST,
        );
        origin.expectNone();
      });

      test("by default, ignores tokens in other places", async ({ gate, origin }) => {
        const good = hs256Token();
        /** @type {RawRequest[]} */
        const elsewhere = [
          { target: `/api/items?access_token=${good}` },
          { target: "/api/items", headers: [["Cookie", `access_token=${good}`]] },
          { target: "/api/items", headers: [["X-Access-Token", good]] },
          { target: "/api/items", headers: [["Proxy-Authorization", `Bearer ${good}`]] },
          {
            method: "POST",
            target: "/api/items",
            headers: [["Content-Type", "application/x-www-form-urlencoded"]],
            body: `access_token=${good}`,
          },
        ];
        for (const request of elsewhere) {
          const why = JSON.stringify(request).replaceAll(good, "TOKEN");
          await assertRefused(await gate.raw(request), 401, {}, { why });
          origin.expectNone(why);
        }
      });
    },
  );
}
