// Verification of tokens that are signed with shared secrets (RFC 7515, RFC 7519, RFC 6750 section
// 3.1).

import assert from "node:assert/strict";
import { SignJWT } from "jose";
import {
  assertAdmitted,
  assertRefused,
  EXPIRED,
  gateTest,
  INVALID,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { AlgorithmName, Encoding } from "../../policy.d.ts" */

const { claims, hs256, hs256Token, SECRET } = policies;

withGate(
  "a token signed with HS256",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    test("is admitted, and the origin receives the claims in headers", async ({ gate, origin }) => {
      const good = hs256Token({ scope: "read write" });
      const seen = await assertAdmitted(await gate.fetchWith(good, "/api/items?page=2"), origin);
      assert.equal(seen.method, "GET");
      assert.equal(seen.target, "/api/items?page=2");
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.equal(seen.header("x-auth-scope"), "read write");
      assert.equal(seen.header("authorization"), `Bearer ${good}`, "the origin may verify again");
    });

    test("is admitted if another implementation has signed it", async ({ gate, origin }) => {
      const made = await new SignJWT({ sub: "jose" })
        .setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
        .setIssuer(policies.ISSUER)
        .setAudience(["https://other.example", policies.AUDIENCE])
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(new TextEncoder().encode(SECRET));
      const seen = await assertAdmitted(await gate.fetchWith(made, "/api/"), origin);
      assert.equal(seen.header("x-auth-subject"), "jose");
      assert.equal(seen.header("x-auth-scope"), undefined, "an absent claim sets no header");
    });

    test("is admitted each time it is sent", async ({ gate, origin }) => {
      const good = hs256Token();
      for (let i = 0; i < 20; i += 1)
        await assertAdmitted(await gate.fetchWith(good, `/api/${i}`), origin);
    });

    test("RFC 6750 section 3.1: is required, and the challenge has a realm but no error", async ({
      gate,
      origin,
    }) => {
      const response = await gate.fetch("/api/items");
      assert.equal(response.headers.get("www-authenticate"), 'Bearer realm="api"');
      await assertRefused(response, 401);
      origin.expectNone();
    });

    test("is refused if any one character is changed", async ({ gate, origin }) => {
      const good = hs256Token();
      for (let i = 0; i < good.length; i += 1) {
        const bad = tokens.withChangedCharacter(good, i);
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID, {
          why: `character ${i}`,
        });
        origin.expectNone(`character ${i}`);
      }
      await assertAdmitted(
        await gate.fetchWith(good, "/api/items"),
        origin,
        "the unchanged token is still admitted",
      );
    });

    test("RFC 4648 section 3.5: is refused if a spare bit of a segment is changed", async ({
      gate,
      origin,
    }) => {
      const good = hs256Token();
      const ends = [good.indexOf(".") - 1, good.lastIndexOf(".") - 1, good.length - 1];
      for (const end of ends) {
        const bad = tokens.withChangedLowBit(good, end);
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID, {
          why: `character ${end}`,
        });
        origin.expectNone();
      }
    });

    test("is refused as expired after its exp, so that the client refreshes it", async ({
      gate,
      origin,
    }) => {
      const expired = hs256Token({ exp: tokens.now() - 3600 });
      await assertRefused(await gate.fetchWith(expired, "/api/items"), 401, EXPIRED);
      origin.expectNone();
    });

    test("is not reported as expired if its signature is invalid", async ({ gate, origin }) => {
      const expired = hs256Token({ exp: tokens.now() - 3600 });
      const forged = tokens.withChangedCharacter(expired, expired.length - 1);
      await assertRefused(await gate.fetchWith(forged, "/api/items"), 401, INVALID);
      origin.expectNone();
    });

    test("is refused if it is signed with a similar secret", async ({ gate, origin }) => {
      for (const key of [
        `${SECRET}\n`,
        ` ${SECRET}`,
        SECRET.slice(1),
        SECRET.toUpperCase(),
        "x".repeat(64),
      ]) {
        await assertRefused(
          await gate.fetchWith(hs256Token({}, { key }), "/api/items"),
          401,
          INVALID,
          {
            why: JSON.stringify(key),
          },
        );
        origin.expectNone();
      }
    });
  },
);

withGate(
  "CVE-2015-2951, RFC 8725 section 3.1: a token whose header names another algorithm",
  ({ origin }) => ({
    policy: hs256({ origin, errors: { detail: "reason" } }),
    secrets: { SECRET },
  }),
  (test) => {
    const payload = () => tokens.base64url(JSON.stringify(claims()));

    test("is refused with `none` in any spelling, unsigned or with an old signature", async ({
      gate,
      origin,
    }) => {
      const [, , oldSignature] = tokens.segments(hs256Token());
      for (const alg of [
        "none",
        "None",
        "nOnE",
        "NONE",
        "none ",
        "",
        null,
        ["none"],
        undefined,
        0,
        {},
      ]) {
        const header = tokens.base64url(JSON.stringify({ alg, typ: "JWT" }));
        for (const made of [
          `${header}.${payload()}.`,
          `${header}.${payload()}`,
          `${header}.${payload()}.${oldSignature}`,
        ]) {
          const response = await gate.fetchWith(made, "/api/items");
          const { text } = await assertRefusedWithAnyReason(response);
          assert.match(
            JSON.parse(text).code,
            /^(malformed_token|algorithm_not_allowed)$/,
            JSON.stringify(alg),
          );
          origin.expectNone();
        }
      }
    });

    test("is refused with an algorithm that the issuer does not list", async ({ gate, origin }) => {
      const key = tokens.rsaKeys();
      const made = [
        hs256Token({}, { alg: "HS384" }),
        hs256Token({}, { alg: "HS512" }),
        tokens.token({ alg: "RS256", key: key.privateKey, payload: claims() }),
        hs256Token({}, { header: { alg: "HS512" } }),
        hs256Token({}, { header: { alg: "hs256" } }),
      ];
      for (const token of made) {
        const { text } = await assertRefusedWithAnyReason(
          await gate.fetchWith(token, "/api/items"),
        );
        assert.match(JSON.parse(text).code, /^(malformed_token|algorithm_not_allowed)$/);
        origin.expectNone();
      }
    });
  },
);

/** @param {Response} response */
async function assertRefusedWithAnyReason(response) {
  const text = await response.text();
  const { code } = JSON.parse(text);
  const again = new Response(text, { status: response.status, headers: response.headers });
  return assertRefused(again, 401, INVALID, { detail: code });
}

/** @type {[alg: AlgorithmName, bytes: number][]} */
const MINIMUM_LENGTHS = [
  ["HS384", 48],
  ["HS512", 64],
];

for (const [alg, bytes] of MINIMUM_LENGTHS) {
  gateTest(
    `RFC 7518 section 3.2: accepts ${alg} with a secret of ${bytes} bytes`,
    ({ origin }) => {
      const policy = hs256({ origin });
      policy.issuers[0].algorithms = [alg];
      return { policy, secrets: { SECRET: SECRET.padEnd(bytes, "!").slice(0, bytes) } };
    },
    async ({ gate, origin }) => {
      const key = SECRET.padEnd(bytes, "!").slice(0, bytes);
      await assertAdmitted(
        await gate.fetchWith(tokens.token({ alg, key, payload: claims() }), "/api/"),
        origin,
      );
      await assertRefused(
        await gate.fetchWith(tokens.token({ alg: "HS256", key, payload: claims() }), "/api/"),
        401,
        INVALID,
      );
      origin.expectNone();
    },
  );
}

/** @type {(BufferEncoding & Encoding)[]} */
const ENCODINGS = ["base64", "base64url", "hex"];

for (const encoding of ENCODINGS) {
  gateTest(
    `decodes a secret that is stored in ${encoding}`,
    ({ origin }) => {
      const policy = hs256({ origin });
      policy.issuers[0].keys = { secret: "SECRET", encoding };
      return { policy, secrets: { SECRET: Buffer.from(SECRET).toString(encoding) } };
    },
    async ({ gate, origin }) => {
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/"), origin);
      const key = Buffer.from(SECRET).toString(encoding);
      await assertRefused(await gate.fetchWith(hs256Token({}, { key }), "/api/"), 401, INVALID, {
        why: "signed with the encoded secret",
      });
      origin.expectNone();
    },
  );
}

gateTest(
  "accepts two secrets, so that one can be replaced without an interruption",
  ({ origin }) => {
    const policy = hs256({ origin });
    policy.issuers[0].keys = { secret: ["NEW_SECRET", "SECRET"] };
    return { policy, secrets: { SECRET, NEW_SECRET: SECRET.replaceAll("e", "3") } };
  },
  async ({ gate, origin }) => {
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/"), origin);
    await assertAdmitted(
      await gate.fetchWith(hs256Token({}, { key: SECRET.replaceAll("e", "3") }), "/api/"),
      origin,
    );
    await assertRefused(
      await gate.fetchWith(hs256Token({}, { key: SECRET.replaceAll("e", "4") }), "/api/"),
      401,
      INVALID,
    );
    origin.expectNone();
  },
);
