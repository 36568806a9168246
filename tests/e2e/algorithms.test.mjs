// Every algorithm of the deployed Worker beside HS256 and RS256, which have files of their own (RFC 7518 section 3,
// RFC 8037, RFC 9864, ML-DSA for JOSE).

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

const { claims, ISSUER, AUDIENCE, rs256 } = policies;

const pair = (type, options) => generateKeyPairSync(type, options);
const rsa = pair("rsa", { modulusLength: 2048 });
const p256 = pair("ec", { namedCurve: "P-256" });
const p384 = pair("ec", { namedCurve: "P-384" });
const ed25519 = pair("ed25519");

const ALGORITHMS = {
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: p256,
  ES384: p384,
  EdDSA: ed25519,
  Ed25519: ed25519,
};

const spki = ({ publicKey }) => publicKey.export({ type: "spki", format: "pem" });
const jwk = ({ publicKey }) => publicKey.export({ format: "jwk" });
const made = (alg, keys, more = {}) =>
  tokens.token({ alg, key: keys.privateKey, payload: claims(), ...more });

/** The same token with a character of its payload changed, and with one of its signature. */
function changed(token) {
  const [header, payload] = tokens.segments(token);
  const signature = header.length + payload.length + 2;
  const positions = [header.length + 10, signature, signature + 20, token.length - 3];
  return positions.map((position) => tokens.withChangedCharacter(token, position));
}

for (const [alg, keys] of Object.entries(ALGORITHMS)) {
  withGate(
    `a token signed with ${alg}, against a PEM`,
    ({ origin }) => ({
      runtime: "workerd",
      policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" }, algorithms: [alg] }),
      secrets: { PUBLIC_KEY: spki(keys) },
    }),
    (test) => {
      test("is let through, and the origin learns in whose name", async ({ gate, origin }) => {
        const seen = await assertAdmitted(
          await gate.fetchWith(made(alg, keys), "/api/items"),
          origin,
        );
        assert.equal(seen.header("x-auth-subject"), "user-1");
      });

      test("made by another implementation is let through", async ({ gate, origin }) => {
        const token = await new SignJWT(claims({ sub: "jose" }))
          .setProtectedHeader({ alg })
          .sign(keys.privateKey);
        const seen = await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
        assert.equal(seen.header("x-auth-subject"), "jose");
      });

      test("with one character changed is refused", async ({ gate, origin }) => {
        for (const bad of changed(made(alg, keys))) {
          await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID);
          origin.expectNone();
        }
      });

      test("is refused where another algorithm made it, whatever it is called", async ({
        gate,
        origin,
      }) => {
        for (const [other, others] of Object.entries(ALGORITHMS)) {
          if (other === alg) continue;
          await assertRefused(
            await gate.fetchWith(made(other, others), "/api/items"),
            401,
            INVALID,
            { why: other },
          );
          origin.expectNone(other);
          // EdDSA and Ed25519 are two names of the same signature.
          if (others === keys && others === ed25519) continue;
          const relabelled = made(other, others, { header: { alg } });
          await assertRefused(await gate.fetchWith(relabelled, "/api/items"), 401, INVALID, {
            why: other,
          });
          origin.expectNone(other);
        }
      });
    },
  );
}

withGate(
  "tokens of every algorithm, against a JWK Set",
  ({ origin }) => ({
    policy: rs256({
      origin,
      keys: { jwks: "KEY_SET" },
      algorithms: Object.keys(ALGORITHMS),
    }),
    vars: { KEY_SET: { keys: [rsa, p256, p384, ed25519].map(jwk) } },
  }),
  (test) => {
    test("are let through, each by the key that fits", async ({ gate, origin }) => {
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        await assertAdmitted(await gate.fetchWith(made(alg, keys), "/api/items"), origin, alg);
      }
    });

    test("RFC 7518 section 3.4: in DER a signature is none, and in another width", async ({
      gate,
      origin,
    }) => {
      const token = made("ES256", p256);
      const [header, payload, signature] = tokens.segments(token);
      const bytes = Buffer.from(signature, "base64url");
      const numbers = [bytes.subarray(0, 32), bytes.subarray(32)];
      const der = numbers.map((number) => Buffer.concat([Buffer.from([2, 33, 0]), number]));
      const forms = [
        Buffer.concat([Buffer.from([0x30, 70]), ...der]),
        Buffer.alloc(64),
        bytes.subarray(1),
        Buffer.concat([bytes, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), numbers[0], Buffer.alloc(1), numbers[1]]),
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
  "an issuer of RS256",
  ({ origin }) => ({
    runtime: "workerd",
    policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" } }),
    secrets: { PUBLIC_KEY: spki(rsa) },
  }),
  (test) => {
    test("RFC 8725 section 3.1: refuses every other algorithm, by name and relabelled", async ({
      gate,
      origin,
    }) => {
      await assertAdmitted(await gate.fetchWith(made("RS256", rsa), "/api/items"), origin);
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        await assertRefused(await gate.fetchWith(made(alg, keys), "/api/items"), 401, INVALID, {
          why: alg,
        });
        const relabelled = made(alg, keys, { header: { alg: "RS256" } });
        await assertRefused(await gate.fetchWith(relabelled, "/api/items"), 401, INVALID, {
          why: alg,
        });
        origin.expectNone(alg);
      }
    });
  },
);

// Made once with the crate that the gate verifies with, since this Node cannot sign with ML-DSA; it has no exp.
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
    test("is let through", async ({ gate, origin }) => {
      const seen = await assertAdmitted(await gate.fetchWith(mldsa.token, "/api/items"), origin);
      assert.equal(seen.header("x-auth-subject"), "user-1");
    });

    test("with one character changed is refused", async ({ gate, origin }) => {
      for (const bad of changed(mldsa.token)) {
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID);
        origin.expectNone();
      }
    });

    test("is alone: other families are refused, by name and relabelled", async ({
      gate,
      origin,
    }) => {
      for (const [alg, keys] of Object.entries(ALGORITHMS)) {
        for (const header of [{}, { alg: "ML-DSA-44" }]) {
          await assertRefused(
            await gate.fetchWith(made(alg, keys, { header }), "/api/items"),
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
  "a policy with an algorithm that is not in this build",
  ({ origin }) => ({
    runtime: "workerd",
    policy: rs256({ origin, keys: { pem: "PUBLIC_KEY" }, algorithms: ["ES512"] }),
    secrets: { PUBLIC_KEY: spki(pair("ec", { namedCurve: "P-521" })) },
  }),
  (test) => {
    test("refuses everything, and the log names the cargo feature", async ({ gate, origin }) => {
      await assertProblem(await gate.fetch("/api/items"), 500);
      origin.expectNone();
      const fault = await gate.logs.waitFor((book) =>
        book.structured.find(({ event }) => event === "policy_fault"),
      );
      assert.equal(fault.path, "issuers[0].algorithms[0]");
      assert.match(fault.remedy, /--features es512/);
    });
  },
);
