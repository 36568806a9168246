// The Authorization header field: exactly one credential, of one shape (RFC 6750 section 2.1, RFC 9110 section 11.6.2).

import {
  assertAdmitted,
  assertRefused,
  INVALID,
  INVALID_REQUEST,
  policies,
  withGate,
} from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `the Authorization header field in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      // Raw, because HTTP libraries tidy header fields up.
      const send = (gate, ...values) =>
        gate.raw({
          target: "/api/items",
          headers: values.map((value) => ["Authorization", value]),
        });

      test("RFC 9110 section 11.1: the scheme counts in any case", async ({ gate, origin }) => {
        for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
          await assertAdmitted(await send(gate, `${scheme} ${hs256Token()}`), origin, scheme);
        }
      });

      test("RFC 6750 section 2.1: one or more spaces stand before the token", async ({
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

      test("a Bearer credential of another shape is a bad request", async ({ gate, origin }) => {
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

      test("a b64token that is no token of ours is refused like any bad token", async ({
        gate,
        origin,
      }) => {
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

      test("two credentials are a bad request, in two lines or in one, equal or not", async ({
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

      test("an empty line before the credential, which the runtime leaves out, is none", async ({
        gate,
        origin,
      }) => {
        await assertAdmitted(await send(gate, "", `Bearer ${hs256Token()}`), origin);
        await assertRefused(await send(gate, "", ""), 401);
        origin.expectNone();
      });

      test("RFC 9110 section 11.1: a credential of another scheme counts as no token", async ({
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

      test("a token of 16 KiB is looked at, one of more is a bad request", async ({
        gate,
        origin,
      }) => {
        const base = hs256Token({ filler: "" });
        // Three bytes of claim are four characters of token.
        const filler = (length) =>
          hs256Token({ filler: "x".repeat(Math.floor(((length - base.length) * 3) / 4)) });
        await assertAdmitted(await send(gate, `Bearer ${filler(16_380)}`), origin);
        await assertRefused(await send(gate, `Bearer ${filler(16_400)}`), 400, INVALID_REQUEST);
        origin.expectNone();
        await assertRefused(
          await send(gate, `Bearer ${".".repeat(100_000)}`),
          400,
          INVALID_REQUEST,
        );
        origin.expectNone();
      });

      test("tokens elsewhere are not looked for unless the policy says so", async ({
        gate,
        origin,
      }) => {
        const good = hs256Token();
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
