// Only the gate can set identity headers: it removes those of clients on every route and in every
// spelling (CVE-2025-64484, CVE-2026-40575).

import assert from "node:assert/strict";
import { assertAdmitted, policies, tokens, withGate } from "./harness/index.mjs";

/** @import { Received } from "./harness/origin.mjs" */
/** @import { HeaderLine } from "./harness/socket.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const SPELLINGS = [
  "X-Auth-Subject",
  "x-auth-subject",
  "X-AUTH-SUBJECT",
  "X_Auth_Subject",
  "x_auth-subject",
  "X.Auth.Subject",
  "X-Auth_Subject",
  "X.Auth-Subject",
  "x_AUTH.subject",
  "X-Auth-Scope",
  "X_AUTH_SCOPE",
  "x.auth.scope",
];

/**
 * The name as a server reads it that treats `_` and `.` as `-`.
 *
 * @param {string} name
 */
const folded = (name) => name.toLowerCase().replaceAll(/[_.]/g, "-");

/** @param {Received} seen */
const identity = (seen) =>
  seen.headerLines.filter(([name]) => /^x-auth-(subject|scope|payload)$/.test(folded(name)));

/** @param {Received} seen */
const sortedIdentity = (seen) =>
  identity(seen)
    .map(([name, value]) => [name.toLowerCase(), value])
    .sort();

/** What the gate sets for a token with the scope `read`. */
const EXPECTED = [
  ["x-auth-scope", "read"],
  ["x-auth-subject", "user-1"],
];

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `headers of clients in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      test("identity headers are removed in every spelling", async ({ gate, origin }) => {
        for (const target of ["/public/a", "/optional/a"]) {
          for (const name of SPELLINGS) {
            const response = await gate.raw({ target, headers: [[name, "admin"]] });
            assert.deepEqual(
              identity(await assertAdmitted(response, origin, name)),
              [],
              `${name} on ${target}`,
            );
          }
          const all = SPELLINGS.flatMap((name) => [
            [name, "admin"],
            [name, "root"],
          ]);
          assert.deepEqual(
            identity(await assertAdmitted(await gate.raw({ target, headers: all }), origin)),
            [],
            target,
          );
        }
      });

      test("with a token, the origin receives only the gate's identity headers", async ({
        gate,
        origin,
      }) => {
        const good = ["Authorization", `Bearer ${hs256Token({ scope: "read" })}`];
        for (const target of ["/api/a", "/optional/a"]) {
          const spoofed = SPELLINGS.flatMap((name) => [
            [name, "admin"],
            [name, "root"],
          ]);
          const seen = await assertAdmitted(
            await gate.raw({ target, headers: [...spoofed, good] }),
            origin,
          );
          assert.deepEqual(sortedIdentity(seen), EXPECTED);
        }
      });

      test("identity headers are removed beside long headers and other characters", async ({
        gate,
        origin,
      }) => {
        for (const length of [100, 7_000, 9_000, 60_000]) {
          const others = [
            ["X-Long", "a".repeat(length)],
            ["X-Latin", "caf\u00e9 ".repeat(100)],
            ["X_Auth.Subject", "admin"],
            ["X-Last", "z"],
          ];
          const headers = [["Authorization", `Bearer ${hs256Token({ scope: "read" })}`], ...others];
          const seen = await assertAdmitted(await gate.raw({ target: "/api/a", headers }), origin);
          assert.deepEqual(sortedIdentity(seen), EXPECTED);
          assert.equal(seen.header("x-long")?.length, length);
          assert.equal(seen.header("x-last"), "z");
        }
      });

      test("the header of an absent claim is removed too", async ({ gate, origin }) => {
        const without = hs256Token({ sub: undefined });
        const headers = [
          ["X-Auth-Subject", "admin"],
          ["Authorization", `Bearer ${without}`],
        ];
        assert.deepEqual(
          identity(await assertAdmitted(await gate.raw({ target: "/api/a", headers }), origin)),
          [],
        );
      });

      test("CVE-2024-45410: Connection cannot remove the gate's identity headers", async ({
        gate,
        origin,
      }) => {
        const headers = [
          ["Connection", "X-Auth-Subject"],
          ["Connection", "Authorization"],
          ["Authorization", `Bearer ${hs256Token()}`],
        ];
        const response = await gate.raw({ target: "/api/a", headers });
        const seen = await assertAdmitted(response, origin);
        assert.equal(seen.header("x-auth-subject"), "user-1");
      });

      test("headers that change the meaning of a request are removed", async ({ gate, origin }) => {
        const names = [
          "X-HTTP-Method-Override",
          "X-HTTP-Method",
          "X-Method-Override",
          "X-Original-URL",
          "X-Rewrite-URL",
          "X-Forwarded-Uri",
          "Forwarded",
          "Proxy-Authorization",
        ];
        const spellings = names.flatMap((name) => [
          name,
          name.toUpperCase(),
          name.replaceAll("-", "_"),
          name.replaceAll("-", "."),
        ]);
        for (const target of ["/public/a", "/optional/a", "/api/a"]) {
          const headers = [
            ...spellings.map((name) => [name, "/admin"]),
            ["Authorization", `Bearer ${hs256Token()}`],
          ];
          const seen = await assertAdmitted(await gate.raw({ target, headers }), origin);
          const left = seen.headerLines.filter(([name]) =>
            names.some((one) => folded(one) === folded(name)),
          );
          assert.deepEqual(left, [], target);
        }
      });

      test("X-Forwarded-Host and X-Forwarded-Proto are set by the gate", async ({
        gate,
        origin,
      }) => {
        const spoofed = [
          "X-Forwarded-Host",
          "X_Forwarded_Host",
          "X-Forwarded-Proto",
          "x_forwarded_proto",
        ].map((name) => [name, "evil"]);
        for (const target of ["/public/a", "/api/a"]) {
          const headers = [...spoofed, ["Authorization", `Bearer ${hs256Token()}`]];
          const seen = await assertAdmitted(await gate.raw({ target, headers }), origin);
          assert.equal(seen.header("x-forwarded-host"), gate.host);
          assert.equal(seen.header("x-forwarded-proto"), "http");
          assert.ok(!seen.headerLines.some(([, value]) => value === "evil"), target);
          assert.equal(seen.header("host"), origin.host);
        }
      });

      test("all other headers are forwarded unchanged", async ({ gate, origin }) => {
        /** @type {HeaderLine[]} */
        const headers = [
          ["X-Custom", "a"],
          ["X-Custom", "b"],
          ["Accept", "text/x; q=0.5"],
          ["User-Agent", "test/1"],
          ["Cookie", "a=b; c=d"],
          ["X_Underscore", "1"],
          ["X.Dot", "2"],
          ["If-None-Match", '"etag"'],
          ["X-Empty", ""],
          ["X-Authority", "x"],
          ["X-Auth", "y"],
          ["X-Latin", "caf\xe9"],
        ];
        const seen = await assertAdmitted(await gate.raw({ target: "/public/a", headers }), origin);
        assert.equal(seen.values("x-custom").join(", "), "a, b");
        for (const [name, value] of headers.slice(2, -1))
          assert.equal(seen.header(name) ?? "", value, name);
        assert.ok(seen.header("x-latin"), "a header with bytes other than ASCII is forwarded");
      });
    },
  );
}

withGate(
  "a policy that strips the credential and forwards the payload",
  ({ origin }) => ({
    policy: hs256({
      origin,
      forward: {
        authorization: "strip",
        payload: "X-Auth-Payload",
        claims: { "X-Auth-Subject": "sub", "X-Auth-Tenant": "/org/tenant" },
      },
    }),
    secrets: { SECRET },
  }),
  (test) => {
    test("forwards neither the token nor any other Authorization", async ({ gate, origin }) => {
      const good = hs256Token({ org: { tenant: "acme" } });
      for (const target of ["/public/a", "/optional/a", "/api/a"]) {
        const seen = await assertAdmitted(await gate.fetchWith(good, target), origin);
        assert.equal(seen.header("authorization"), undefined, target);
        assert.ok(!seen.headerLines.some(([, value]) => value.includes(good)), target);
      }
      const basic = await gate.fetch("/public/a", { headers: { Authorization: "Basic dTpw" } });
      assert.equal((await assertAdmitted(basic, origin)).header("authorization"), undefined);
    });

    test("forwards the payload in base64url, and claims by name or pointer", async ({
      gate,
      origin,
    }) => {
      const spoofed = { "X-Auth-Payload": "e30", "X-Auth-Tenant": "evil" };
      const good = hs256Token({ org: { tenant: "acme" } });
      const seen = await assertAdmitted(
        await gate.fetchWith(good, "/api/a", { headers: spoofed }),
        origin,
      );
      const payload = JSON.parse(
        Buffer.from(seen.header("x-auth-payload") ?? "", "base64url").toString(),
      );
      assert.deepEqual(
        payload,
        JSON.parse(Buffer.from(tokens.segments(good)[1], "base64url").toString()),
      );
      assert.equal(seen.header("x-auth-tenant"), "acme");
      const anonymous = await assertAdmitted(
        await gate.fetch("/public/a", { headers: spoofed }),
        origin,
      );
      assert.deepEqual(
        [anonymous.header("x-auth-payload"), anonymous.header("x-auth-tenant")],
        [undefined, undefined],
      );
    });
  },
);
