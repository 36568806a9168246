// The gate's own responses. They are problem details (RFC 9457), do not reveal how far an invalid
// token got, and do not repeat any part of the request.

import assert from "node:assert/strict";
import {
  assertProblem,
  assertRefused,
  EXPIRED,
  gateTest,
  INVALID,
  INVALID_REQUEST,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

const { claims, hs256, hs256Token, SECRET } = policies;

const now = tokens.now();

/** Tokens by the reason for which they are refused. By default, all get the same response. */
const REFUSED = {
  malformed_token: [
    "a.b.c",
    "a",
    tokens.token({ key: SECRET, payload: "[]" }),
    tokens.token({ key: SECRET, header: "{}", payload: claims() }),
  ],
  unsupported_critical: [
    hs256Token({}, { header: { crit: ["exp"] } }),
    hs256Token({}, { header: { crit: [] } }),
    hs256Token({}, { header: { b64: false } }),
    hs256Token({}, { header: { b64: false, crit: ["b64"] } }),
  ],
  algorithm_not_allowed: [hs256Token({}, { alg: "HS512" })],
  bad_signature: [hs256Token({}, { key: "another secret, as long as the first one" })],
  unknown_issuer: [
    hs256Token({ iss: "https://issuer.example" }),
    hs256Token({ iss: "https://evil.example/" }),
  ],
  wrong_audience: [
    hs256Token({ aud: "https://api.example.com/" }),
    hs256Token({ aud: ["x"] }),
    hs256Token({ aud: [] }),
  ],
  wrong_type: [
    hs256Token({}, { header: { typ: "logout+jwt" } }),
    hs256Token({}, { header: { typ: "dpop+jwt" } }),
  ],
  missing_claim: [hs256Token({ exp: undefined })],
  invalid_claim: [
    hs256Token({ exp: "9999999999" }),
    hs256Token({ nbf: "0" }),
    hs256Token({ iat: {} }),
    hs256Token({ cnf: { jkt: "x" } }),
  ],
  not_yet_valid: [hs256Token({ nbf: now + 3600 })],
};

withGate(
  'with errors.detail = "reason"',
  ({ origin }) => ({
    policy: hs256({ origin, errors: { detail: "reason" } }),
    secrets: { SECRET },
  }),
  (test) => {
    for (const [code, refused] of Object.entries(REFUSED)) {
      test(`the body contains the reason code ${code}`, async ({ gate, origin }) => {
        for (const token of refused) {
          await assertRefused(await gate.fetchWith(token, "/api/a"), 401, INVALID, {
            detail: code,
          });
          origin.expectNone();
        }
      });
    }

    test("the body contains every other reason code", async ({ gate, origin }) => {
      const raw = (/** @type {string} */ target, /** @type {string[]} */ ...values) =>
        gate.raw({ target, headers: values.map((value) => ["Authorization", value]) });
      const good = hs256Token();
      await assertRefused(await gate.fetch("/api/a"), 401, {}, { detail: "missing_token" });
      await assertRefused(await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a"), 401, EXPIRED, {
        detail: "expired",
      });
      await assertRefused(await raw("/api/a", "Bearer"), 400, INVALID_REQUEST, {
        detail: "malformed_authorization",
      });
      await assertRefused(
        await raw("/api/a", `Bearer ${good}`, `Bearer ${good}`),
        400,
        INVALID_REQUEST,
        {
          detail: "multiple_tokens",
        },
      );
      await assertRefused(
        await gate.fetchWith("a".repeat(17_000), "/api/a"),
        400,
        INVALID_REQUEST,
        {
          detail: "token_too_large",
        },
      );
      await assertRefused(
        await gate.fetchWith(good, "/admin/a"),
        403,
        { error: "insufficient_scope", error_description: /./, scope: "admin" },
        { detail: "insufficient_scope" },
      );
      await assertProblem(await gate.fetch("/unknown"), 404, { detail: "no_route" });
      await assertProblem(await gate.fetch("/read-only/a", { method: "PUT" }), 405, {
        detail: "method_not_allowed",
      });
      await assertProblem(await gate.fetch("/api//a"), 400, { detail: "ambiguous_path" });
      origin.expectNone();
    });
  },
);

withGate(
  "by default",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    test("RFC 8725 section 3.11: all invalid tokens get the same response", async ({
      gate,
      origin,
    }) => {
      const seen = new Set();
      const nameless = [hs256Token({ iss: undefined }), hs256Token({ aud: undefined })];
      for (const token of [...Object.values(REFUSED).flat(), ...nameless]) {
        const response = await gate.raw({
          target: "/api/a",
          headers: [["Authorization", `Bearer ${token}`]],
        });
        const lines = response.headerLines.filter(([name]) => name.toLowerCase() !== "date");
        seen.add(JSON.stringify([response.status, lines, response.text]));
      }
      assert.equal(seen.size, 1, [...seen].join("\n"));
      origin.expectNone();
    });

    test("the body contains the CF-Ray if it is valid", async ({ gate, origin }) => {
      const rayOf = async (/** @type {string} */ ray) => {
        const response = await gate.raw({ target: "/api/a", headers: [["CF-Ray", ray]] });
        const { text } = await assertRefused(response, 401, {}, { why: ray });
        return JSON.parse(text).ray;
      };
      for (const ray of ["caf\xe9", "", "a b", "a\tb", "x".repeat(5000)])
        assert.equal(await rayOf(ray), undefined, ray);
      for (const ray of ['"}', "<script>", "\\u0022"])
        assert.ok([undefined, ray].includes(await rayOf(ray)), ray);
      const plain = await gate.raw({
        target: "/api/a",
        headers: [["CF-Ray", "8f2a1c0d9e7b6a54-FRA"]],
      });
      assert.equal(JSON.parse(plain.text).ray, "8f2a1c0d9e7b6a54-FRA");
      assert.equal(JSON.parse((await gate.raw({ target: "/api/a" })).text).ray, undefined);
      origin.expectNone();
    });

    test("a refusal contains no part of the request", async ({ gate, origin }) => {
      const response = await gate.raw({
        target: "/api/canary?canary=canary",
        headers: [
          ["Authorization", "Bearer canary.canary.canary"],
          ["Origin", "https://canary.example"],
          ["X-Forwarded-Host", "canary.example"],
        ],
      });
      await assertRefused(response, 401, INVALID);
      assert.ok(!JSON.stringify([response.headerLines, response.text]).includes("canary"));
      origin.expectNone();
    });
  },
);

gateTest(
  "RFC 9110 section 11.5: challenges contain the realm of the policy",
  ({ origin }) => ({
    policy: hs256({ origin, realm: "Orders, v2 (EU); a=b" }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    const realm = "Orders, v2 (EU); a=b";
    const response = await gate.fetch("/api/a", { headers: { "X-Forwarded-Host": "evil" } });
    assert.equal(response.headers.get("www-authenticate"), `Bearer realm="${realm}"`);
    await assertRefused(response, 401, {}, { realm });
    await assertRefused(await gate.fetchWith("a.b.c", "/api/a"), 401, INVALID, { realm });
    origin.expectNone();
  },
);
