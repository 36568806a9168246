// Verification of RSA signatures with public keys in every common form (RFC 7468, RFC 7517, RFC
// 8017).

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
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

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Keys } from "../../policy.d.ts" */

const { claims, rs256 } = policies;

const key = tokens.rsaKeys({ kid: "first" });
const other = tokens.rsaKeys({ kid: "second" });

const rs256Token = (changes = {}, more = {}) =>
  tokens.token({ alg: "RS256", key: key.privateKey, payload: claims(changes), ...more });

const pem = { pem: "PUBLIC_KEY" };

withGate(
  "a token signed with RS256",
  ({ origin }) => ({ policy: rs256({ origin, keys: pem }), secrets: { PUBLIC_KEY: key.spki } }),
  (test) => {
    test("is admitted, and the origin receives the claims in headers", async ({ gate, origin }) => {
      const seen = await assertAdmitted(
        await gate.fetchWith(rs256Token({ scope: "read" }), "/api/items"),
        origin,
      );
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.equal(seen.header("x-auth-scope"), "read");
    });

    test("is admitted if another implementation has signed it", async ({ gate, origin }) => {
      const pkcs8 = String(key.privateKey.export({ type: "pkcs8", format: "pem" }));
      const made = await new SignJWT(claims({ sub: "jose" }))
        .setProtectedHeader({ alg: "RS256", kid: "anything" })
        .sign(await importPKCS8(pkcs8, "RS256"));
      const seen = await assertAdmitted(await gate.fetchWith(made, "/api/"), origin);
      assert.equal(seen.header("x-auth-subject"), "jose");
    });

    test("RFC 6750 section 3.1: is required, and the challenge has a realm but no error", async ({
      gate,
      origin,
    }) => {
      await assertRefused(await gate.fetch("/api/items"), 401);
      origin.expectNone();
    });

    test("is refused if any one character is changed", async ({ gate, origin }) => {
      const good = rs256Token();
      const last = good.length - 1;
      const positions = [...Array(good.length).keys()].filter(
        (i) => i % 7 === 0 || good[i] === "." || i > last - 3,
      );
      for (const i of positions) {
        const bad = tokens.withChangedCharacter(good, i);
        await assertRefused(await gate.fetchWith(bad, "/api/items"), 401, INVALID, {
          why: `character ${i}`,
        });
        origin.expectNone(`character ${i}`);
      }
      const spare = tokens.withChangedLowBit(good, last);
      await assertRefused(await gate.fetchWith(spare, "/api/items"), 401, INVALID, {
        why: "a spare bit",
      });
      origin.expectNone();
    });

    test("is refused as expired after its exp", async ({ gate, origin }) => {
      await assertRefused(
        await gate.fetchWith(rs256Token({ exp: tokens.now() - 3600 }), "/api/items"),
        401,
        EXPIRED,
      );
      origin.expectNone();
    });

    test("CVE-2018-0114: is refused if it is signed with a key from its own header", async ({
      gate,
      origin,
    }) => {
      const theirs = { alg: "RS256", key: other.privateKey, payload: claims() };
      /** @type {Record<string, unknown>[]} */
      const headers = [
        {},
        { jwk: other.jwk },
        { jku: "https://evil.example/jwks.json" },
        { x5u: "https://evil.example/" },
      ];
      for (const header of headers) {
        await assertRefused(
          await gate.fetchWith(tokens.token({ ...theirs, header }), "/api/items"),
          401,
          INVALID,
        );
        origin.expectNone(JSON.stringify(header));
      }
    });

    test("CVE-2016-10555: is refused if it has an HMAC with the public key as the secret", async ({
      gate,
      origin,
    }) => {
      const secrets = [
        key.spki,
        key.spki.trimEnd(),
        `\n${key.spki}`,
        ` ${key.spki}`,
        key.der,
        key.pkcs1,
        JSON.stringify(key.jwk),
        Buffer.from(String(key.jwk.n), "base64url"),
      ];
      for (const secret of secrets) {
        for (const alg of ["HS256", "HS384", "HS512"]) {
          await assertRefused(
            await gate.fetchWith(
              tokens.token({ alg, key: secret, payload: claims() }),
              "/api/items",
            ),
            401,
            INVALID,
          );
          origin.expectNone();
        }
        // The header may also still name RS256 while the signature is an HMAC.
        const [header, payload] = tokens.segments(rs256Token());
        const mac = createHmac("sha256", secret).update(`${header}.${payload}`).digest("base64url");
        await assertRefused(
          await gate.fetchWith(`${header}.${payload}.${mac}`, "/api/items"),
          401,
          INVALID,
        );
        origin.expectNone();
      }
    });

    test("RFC 8017 section 8.2.2: is refused if the signature has another length or form", async ({
      gate,
      origin,
    }) => {
      const [header, payload, signature] = tokens.segments(rs256Token());
      const bytes = Buffer.from(signature, "base64url");
      const wrong = [
        Buffer.concat([Buffer.alloc(1), bytes]),
        bytes.subarray(1),
        Buffer.alloc(256),
        Buffer.concat([Buffer.alloc(255), Buffer.from([1])]),
        Buffer.alloc(256, 0xff),
        Buffer.from("00".repeat(1), "hex"),
        Buffer.alloc(8000, 1),
        tokens.signatureOver(`${header}.${payload}`, { alg: "PS256", key: key.privateKey }),
        tokens.signatureOver(`${header}.${payload}`, { alg: "RS512", key: key.privateKey }),
      ];
      for (const one of wrong) {
        await assertRefused(
          await gate.fetchWith(`${header}.${payload}.${tokens.base64url(one)}`, "/api/items"),
          401,
          INVALID,
        );
        origin.expectNone(`${one.length} bytes`);
      }
      await assertRefused(
        await gate.fetchWith(`${header}.${payload}.`, "/api/items"),
        401,
        INVALID,
      );
      origin.expectNone("no signature");
    });
  },
);

const FORMS = {
  "a PEM of several lines (SPKI)": key.spki,
  "the same as one line with \\n in it": key.oneLine,
  "the same with \\r\\n": key.spki.replaceAll("\n", "\r\n"),
  "the same with spaces in place of line breaks": key.spki.trimEnd().replaceAll("\n", " "),
  "the same with leading and trailing white space": `\n\n  ${key.spki}\n `,
  "the same indented": key.spki.replaceAll("\n", "\n    "),
  "PKCS #1": key.pkcs1,
  "PKCS #1 as one line": key.pkcs1.trimEnd().replaceAll("\n", "\\n"),
  "two keys, of which the second verifies": other.spki + key.spki,
};

for (const [form, text] of Object.entries(FORMS)) {
  gateTest(
    `accepts a public key in a binding: ${form}`,
    ({ origin }) => ({
      runtime: "workerd",
      policy: rs256({ origin, keys: pem }),
      secrets: { PUBLIC_KEY: text },
    }),
    async ({ gate, origin }) => {
      await assertAdmitted(await gate.fetchWith(rs256Token(), "/api/items"), origin);
      const forged = tokens.withChangedCharacter(rs256Token(), 400);
      await assertRefused(await gate.fetchWith(forged, "/api/items"), 401, INVALID);
      origin.expectNone();
    },
  );
}

/** @type {Record<string, {keys: Keys} & GateOptions>} */
const sets = {
  "inline in the policy": { keys: { jwks: { keys: [other.jwk, key.jwk] } } },
  "in a binding as a string": {
    keys: { jwks: "KEY_SET" },
    vars: { KEY_SET: JSON.stringify({ keys: [other.jwk, key.jwk] }) },
  },
  "in a binding as a table": {
    keys: { jwks: "KEY_SET" },
    vars: { KEY_SET: { keys: [other.jwk, key.jwk] } },
  },
};

for (const [place, { keys, vars }] of Object.entries(sets)) {
  withGate(
    `RFC 7517 section 5: a JWK Set ${place}`,
    ({ origin }) => ({ policy: rs256({ origin, keys }), vars }),
    (test) => {
      test("the token's kid selects the key", async ({ gate, origin }) => {
        const first = rs256Token({}, { header: { kid: "first" } });
        const second = tokens.token({
          alg: "RS256",
          key: other.privateKey,
          header: { kid: "second" },
          payload: claims(),
        });
        await assertAdmitted(await gate.fetchWith(first, "/api/items"), origin);
        await assertAdmitted(await gate.fetchWith(second, "/api/items"), origin);
      });

      test("each key is tried for a token without a kid", async ({ gate, origin }) => {
        await assertAdmitted(await gate.fetchWith(rs256Token(), "/api/items"), origin);
      });

      test("a token whose kid names another key or no key is refused", async ({ gate, origin }) => {
        const kids = [
          "second",
          "third",
          "",
          "FIRST",
          "first ",
          "../first",
          "' OR 1=1 --",
          "__proto__",
          "first\u0000",
          "\r\nfirst",
          "é",
        ];
        for (const kid of kids) {
          await assertRefused(
            await gate.fetchWith(rs256Token({}, { header: { kid } }), "/api/items"),
            401,
            INVALID,
          );
          origin.expectNone(kid);
        }
        for (const kid of [1, null, ["first"], { kid: "first" }, true, "k".repeat(2000)]) {
          await assertRefused(
            await gate.fetchWith(rs256Token({}, { header: { kid } }), "/api/items"),
            401,
            INVALID,
          );
          origin.expectNone(JSON.stringify(kid));
        }
      });
    },
  );
}

for (const alg of ["RS384", "RS512"]) {
  gateTest(
    `RFC 7518 section 3.3: admits ${alg} and refuses RS256 if only ${alg} is allowed`,
    ({ origin }) => ({
      policy: rs256({ origin, keys: pem, algorithms: [alg] }),
      secrets: { PUBLIC_KEY: key.spki },
    }),
    async ({ gate, origin }) => {
      const made = tokens.token({ alg, key: key.privateKey, payload: claims() });
      await assertAdmitted(await gate.fetchWith(made, "/api/items"), origin);
      await assertRefused(await gate.fetchWith(rs256Token(), "/api/items"), 401, INVALID);
      origin.expectNone();
    },
  );
}

for (const [what, change] of Object.entries({
  "for another algorithm": { alg: "RS512" },
  "for encryption": { use: "enc" },
  "only for signing": { key_ops: ["sign"] },
})) {
  gateTest(
    `RFC 7517 section 4: a JWK ${what} is not used, but the other keys of the set are`,
    ({ origin }) => ({
      policy: rs256({ origin, keys: { jwks: { keys: [{ ...key.jwk, ...change }, other.jwk] } } }),
    }),
    async ({ gate, origin }) => {
      await assertRefused(await gate.fetchWith(rs256Token(), "/api/items"), 401, INVALID);
      await assertRefused(
        await gate.fetchWith(rs256Token({}, { header: { kid: "first" } }), "/api/items"),
        401,
        INVALID,
      );
      origin.expectNone();
      const second = tokens.token({ alg: "RS256", key: other.privateKey, payload: claims() });
      await assertAdmitted(await gate.fetchWith(second, "/api/items"), origin);
    },
  );
}
