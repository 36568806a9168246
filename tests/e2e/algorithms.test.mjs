// The algorithms of the deployed Worker (RFC 7518 section 3, RFC 8037, RFC 9864, ML-DSA for JOSE)
// except HS256 and RS256, which have their own files.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { SignJWT } from "jose";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  INVALID,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { Parts } from "./harness/tokens.mjs" */

/** @typedef {{publicKey: KeyObject, privateKey: KeyObject}} KeyPair */

const { claims, ISSUER, AUDIENCE, rs256 } = policies;

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed25519 = generateKeyPairSync("ed25519");

/** @type {Record<string, KeyPair>} */
const ALGORITHMS = {
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: p256,
  ES384: p384,
  EdDSA: ed25519,
  Ed25519: ed25519,
};

/** @param {KeyPair} keys */
const spki = ({ publicKey }) => tokens.pem(publicKey);
/** @param {KeyPair} keys */
const jwk = ({ publicKey }) => publicKey.export({ format: "jwk" });
/**
 * @param {string} alg
 * @param {KeyPair} keys
 * @param {Partial<Parts>} [more]
 */
const signed = (alg, keys, more = {}) =>
  tokens.token({ alg, key: keys.privateKey, payload: claims(), ...more });

/**
 * Returns copies of the token, one with a changed character in the payload and three with one in
 * the signature.
 *
 * @param {string} token
 */
function changed(token) {
  const [header, payload] = tokens.segments(token);
  const signature = header.length + payload.length + 2;
  const positions = [header.length + 10, signature, signature + 20, token.length - 3];
  return positions.map((position) => tokens.withChangedCharacter(token, position));
}

for (const [alg, keys] of Object.entries(ALGORITHMS)) {
  withGate(
    `a token signed with ${alg}, with a public key in PEM`,
    ({ origin }) => ({
      runtime: "workerd",
      policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" }, algorithms: [alg] }),
      secrets: { PUBLIC_KEY: spki(keys) },
    }),
    (test) => {
      test("is admitted, and the origin receives the subject", async ({ gate, origin }) => {
        const seen = await assertAdmitted(
          await gate.fetchWith(signed(alg, keys), "/api/items"),
          origin,
        );
        assert.equal(seen.header("x-auth-subject"), "user-1");
      });

      test("is admitted if another implementation has signed it", async ({ gate, origin }) => {
        const token = await new SignJWT(claims({ sub: "jose" }))
          .setProtectedHeader({ alg })
          .sign(keys.privateKey);
        const seen = await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
        assert.equal(seen.header("x-auth-subject"), "jose");
      });

      test("is refused if one character is changed", async ({ gate, origin }) => {
        for (const bad of changed(signed(alg, keys))) {
          await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID);
          origin.expectNone();
        }
      });

      test("is refused if it is signed with another algorithm, whatever its header says", async ({
        gate,
        origin,
      }) => {
        for (const [other, others] of Object.entries(ALGORITHMS)) {
          if (other === alg) continue;
          await assertRefused(
            await gate.fetchWith(signed(other, others), "/api/items"),
            401,
            INVALID,
            { why: other },
          );
          origin.expectNone(other);
          // EdDSA and Ed25519 are two names for the same algorithm.
          if (others === keys && others === ed25519) continue;
          const relabeled = signed(other, others, { header: { alg } });
          await assertRefused(await gate.fetchWith(relabeled, "/api/items"), 401, INVALID, {
            why: other,
          });
          origin.expectNone(other);
        }
      });
    },
  );
}

withGate(
  "tokens of every algorithm, with a JWK Set",
  ({ origin }) => ({
    policy: rs256({
      origin,
      keys: { jwks: "KEY_SET" },
      algorithms: Object.keys(ALGORITHMS),
    }),
    vars: { KEY_SET: { keys: [rsa, p256, p384, ed25519].map(jwk) } },
  }),
  (test) => {
    test("are admitted, each with the matching key", async ({ gate, origin }) => {
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        await assertAdmitted(await gate.fetchWith(signed(alg, keys), "/api/items"), origin, alg);
      }
    });

    test("RFC 7518 section 3.4: are refused with signatures in DER or of another length", async ({
      gate,
      origin,
    }) => {
      const token = signed("ES256", p256);
      const [header, payload, signature] = tokens.segments(token);
      const bytes = Buffer.from(signature, "base64url");
      const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
      const der = [r, s].map((number) => Buffer.concat([Buffer.from([2, 33, 0]), number]));
      const forms = [
        Buffer.concat([Buffer.from([0x30, 70]), ...der]),
        Buffer.alloc(64),
        bytes.subarray(1),
        Buffer.concat([bytes, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), r, Buffer.alloc(1), s]),
      ];
      for (const form of forms) {
        const bad = tokens.rawToken(header, payload, tokens.base64url(form));
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID);
        origin.expectNone();
      }
    });
  },
);

withGate(
  "an issuer with RS256",
  ({ origin }) => ({
    runtime: "workerd",
    policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" } }),
    secrets: { PUBLIC_KEY: spki(rsa) },
  }),
  (test) => {
    test("RFC 8725 section 3.1: refuses every other algorithm, whatever the header says", async ({
      gate,
      origin,
    }) => {
      await assertAdmitted(await gate.fetchWith(signed("RS256", rsa), "/api/items"), origin);
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        await assertRefused(await gate.fetchWith(signed(alg, keys), "/api/items"), 401, INVALID, {
          why: alg,
        });
        const relabeled = signed(alg, keys, { header: { alg: "RS256" } });
        await assertRefused(await gate.fetchWith(relabeled, "/api/items"), 401, INVALID, {
          why: alg,
        });
        origin.expectNone(alg);
      }
    });
  },
);

/**
 * A token without exp, signed once with the crate with which the gate verifies. This version of
 * Node cannot sign with ML-DSA.
 *
 * @type {{jwk: object, token: string}}
 */
const mldsa = JSON.parse(
  await readFile(new URL("fixtures/mldsa-44.json", import.meta.url), "utf8"),
);

withGate(
  "a token signed with ML-DSA-44",
  ({ origin }) => ({
    runtime: "workerd",
    policy: {
      ...rs256({ origin }),
      issuers: [
        {
          name: "lattice",
          issuer: ISSUER,
          audience: [AUDIENCE],
          algorithms: ["ML-DSA-44"],
          expiry: "optional",
          keys: { jwks: "KEY_SET" },
        },
      ],
    },
    vars: { KEY_SET: JSON.stringify({ keys: [mldsa.jwk] }) },
  }),
  (test) => {
    test("is admitted", async ({ gate, origin }) => {
      const seen = await assertAdmitted(await gate.fetchWith(mldsa.token, "/api/items"), origin);
      assert.equal(seen.header("x-auth-subject"), "user-1");
    });

    test("is refused if one character is changed", async ({ gate, origin }) => {
      for (const bad of changed(mldsa.token)) {
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID);
        origin.expectNone();
      }
    });

    test("tokens of all other algorithms are refused, whatever their headers say", async ({
      gate,
      origin,
    }) => {
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        for (const header of [{}, { alg: "ML-DSA-44" }]) {
          await assertRefused(
            await gate.fetchWith(signed(alg, keys, { header }), "/api/items"),
            401,
            INVALID,
          );
          origin.expectNone(alg);
        }
      }
    });
  },
);

withGate(
  "a policy with an algorithm that this build lacks",
  ({ origin }) => ({
    runtime: "workerd",
    policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" }, algorithms: ["ES512"] }),
    secrets: { PUBLIC_KEY: spki(generateKeyPairSync("ec", { namedCurve: "P-521" })) },
  }),
  (test) => {
    test("refuses every request, and the log names the Cargo feature", async ({ gate, origin }) => {
      await assertProblem(await gate.fetch("/api/items"), 500);
      origin.expectNone();
      const fault = await gate.logs.waitFor((book) =>
        book.structured.find(({ event }) => event === "policy_fault"),
      );
      assert.equal(fault.path, "issuers[0].algorithms[0]");
      assert.match(String(fault.remedy), /--features es512/);
    });
  },
);
