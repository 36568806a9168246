// Identity headers belong to the gate: nobody outside can write one, on any route, in any spelling
// (CVE-2025-64484, CVE-2026-40575).

import assert from "node:assert/strict";
import { assertAdmitted, policies, tokens, withGate } from "./harness/index.mjs";

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

/** What a server that takes `_` and `.` for `-` would read. */
const folded = (name) => name.toLowerCase().replaceAll(/[_.]/g, "-");

const identity = (seen) =>
  seen.headerLines.filter(([name]) => /^x-auth-(subject|scope|payload)$/.test(folded(name)));

const own = (seen) =>
  identity(seen)
    .map(([name, value]) => [name.toLowerCase(), value])
    .sort();

/** Of a token with the scope `read`. */
const GATES_OWN = [
  ["x-auth-scope", "read"],
  ["x-auth-subject", "user-1"],
];

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `headers from outside in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      test("no spelling of an identity header reaches the origin", async ({ gate, origin }) => {
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

      test("beside a token, only the gate's own stand", async ({ gate, origin }) => {
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
          assert.deepEqual(own(seen), GATES_OWN);
        }
      });

      test("however much else a request carries, in whatever characters", async ({
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
          assert.deepEqual(own(seen), GATES_OWN);
          assert.equal(seen.header("x-long").length, length);
          assert.equal(seen.header("x-last"), "z");
        }
      });

      test("a claim that is absent leaves no room for a spoofed header", async ({
        gate,
        origin,
      }) => {
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

      test("naming an identity header in Connection does not remove the gate's own (CVE-2024-45410)", async ({
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

      test("headers that tell a server to take the request for another one are removed", async ({
        gate,
        origin,
      }) => {
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
        const spelt = names.flatMap((name) => [
          name,
          name.toUpperCase(),
          name.replaceAll("-", "_"),
          name.replaceAll("-", "."),
        ]);
        for (const target of ["/public/a", "/optional/a", "/api/a"]) {
          const headers = [
            ...spelt.map((name) => [name, "/admin"]),
            ["Authorization", `Bearer ${hs256Token()}`],
          ];
          const seen = await assertAdmitted(await gate.raw({ target, headers }), origin);
          const left = seen.headerLines.filter(([name]) =>
            names.some((one) => folded(one) === folded(name)),
          );
          assert.deepEqual(left, [], target);
        }
      });

      test("X-Forwarded-Host and X-Forwarded-Proto are the gate's own", async ({
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

      test("all other headers pass as they are", async ({ gate, origin }) => {
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
        assert.ok(
          seen.header("x-latin"),
          "a header with other bytes than ASCII is no reason to fail",
        );
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
    test("sends neither the token nor any other Authorization on", async ({ gate, origin }) => {
      const good = hs256Token({ org: { tenant: "acme" } });
      for (const target of ["/public/a", "/optional/a", "/api/a"]) {
        const seen = await assertAdmitted(await gate.fetchWith(good, target), origin);
        assert.equal(seen.header("authorization"), undefined, target);
        assert.ok(!seen.headerLines.some(([, value]) => value.includes(good)), target);
      }
      const basic = await gate.fetch("/public/a", { headers: { Authorization: "Basic dTpw" } });
      assert.equal((await assertAdmitted(basic, origin)).header("authorization"), undefined);
    });

    test("sends the claims as base64url of their JSON, and names or pointers alike", async ({
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
        Buffer.from(seen.header("x-auth-payload"), "base64url").toString(),
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
