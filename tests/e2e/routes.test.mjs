// Which requests need a token, and what happens to those that have none or match nothing.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  INVALID,
  INVALID_REQUEST,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

withGate(
  "routes",
  ({ origin }) => ({ policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    test("a public route needs no token, and looks at none", async ({ gate, origin }) => {
      const good = hs256Token();
      const values = [
        undefined,
        "garbage",
        "Bearer",
        "Bearer a.b.c",
        `Bearer ${good}`,
        `Bearer ${hs256Token({ exp: 1 })}`,
        "\x01",
      ];
      for (const value of values) {
        const headers = value === undefined ? [] : [["Authorization", value]];
        const response = await gate.raw({ target: "/public/page", headers });
        // A control character may be refused by the runtime before the gate sees it.
        if (value === "\x01" && response.status === 400) continue;
        const seen = await assertAdmitted(response, origin, JSON.stringify(value));
        assert.equal(seen.header("authorization"), value, "it belongs to the origin");
        assert.equal(seen.header("x-auth-subject"), undefined);
      }
      const two = [
        ["Authorization", `Bearer ${good}`],
        ["Authorization", `Bearer ${good}`],
      ];
      await assertAdmitted(await gate.raw({ target: "/public/", headers: two }), origin);
    });

    test("an optional route lets a request without a token pass as anonymous", async ({
      gate,
      origin,
    }) => {
      const seen = await assertAdmitted(await gate.fetch("/optional/page"), origin);
      assert.equal(seen.header("x-auth-subject"), undefined);
      const basic = await assertAdmitted(
        await gate.fetch("/optional/page", { headers: { Authorization: "Basic dTpw" } }),
        origin,
      );
      assert.equal(basic.header("x-auth-subject"), undefined);
      assert.equal(
        basic.header("authorization"),
        "Basic dTpw",
        "another scheme is the origin's business",
      );
    });

    test("an optional route takes a good token and refuses a bad one", async ({ gate, origin }) => {
      const seen = await assertAdmitted(
        await gate.fetchWith(hs256Token(), "/optional/page"),
        origin,
      );
      assert.equal(seen.header("x-auth-subject"), "user-1");
      await assertRefused(await gate.fetchWith("a.b.c", "/optional/page"), 401, INVALID);
      await assertRefused(
        await gate.fetchWith(hs256Token({ exp: 1 }), "/optional/page"),
        401,
        EXPIRED,
      );
      await assertRefused(
        await gate.raw({ target: "/optional/page", headers: [["Authorization", "Bearer"]] }),
        400,
        INVALID_REQUEST,
      );
      origin.expectNone();
    });

    test("RFC 9110 section 15.5.5: what no route names is not found, with or without a token", async ({
      gate,
      origin,
    }) => {
      for (const target of [
        "/",
        "/unknown",
        "/apix",
        "/apix/items",
        "/API/items",
        "/pub",
        "/publicity",
        "/.well-known/x",
      ]) {
        for (const headers of [{}, { Authorization: `Bearer ${hs256Token()}` }]) {
          const { header } = await assertProblem(await gate.fetch(target, { headers }), 404, {
            why: target,
          });
          assert.equal(header("www-authenticate"), undefined);
          origin.expectNone(target);
        }
      }
    });

    test("a pattern that ends in * takes its own path too, with and without the last slash", async ({
      gate,
      origin,
    }) => {
      for (const target of [
        "/api",
        "/api/",
        "/api/a",
        "/api/a/",
        "/api/a/b/c",
        "/api?x=/public/",
      ]) {
        await assertRefused(await gate.fetch(target), 401, {}, { why: target });
        origin.expectNone();
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token(), target),
          origin,
          target,
        );
        assert.equal(seen.target, target, "it goes out as it came");
      }
    });

    test("RFC 9110 section 15.5.6: a method that the route does not take", async ({
      gate,
      origin,
    }) => {
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        for (const headers of [{}, { Authorization: `Bearer ${hs256Token()}` }]) {
          const { header } = await assertProblem(
            await gate.fetch("/read-only/a", { method, headers }),
            405,
            {
              why: method,
            },
          );
          const allowed = header("allow")
            .split(",")
            .map((one) => one.trim());
          assert.deepEqual(allowed.sort(), ["GET", "HEAD"]);
          origin.expectNone(method);
        }
      }
      for (const method of ["GET", "HEAD"]) {
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token(), "/read-only/a", { method }),
          origin,
          method,
        );
        assert.equal(seen.method, method);
      }
    });

    test("a header that names another method does not change which route is taken", async ({
      gate,
      origin,
    }) => {
      for (const name of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]) {
        await assertProblem(
          await gate.fetch("/read-only/a", { method: "POST", headers: { [name]: "GET" } }),
          405,
        );
        origin.expectNone(name);
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token(), "/read-only/a", { headers: { [name]: "DELETE" } }),
          origin,
        );
        assert.equal(seen.header(name), undefined);
      }
    });

    test("RFC 9110 section 9.3.2: the answer to HEAD has no body, whoever gives it", async ({
      gate,
      origin,
    }) => {
      const head = (target, headers = []) => gate.raw({ method: "HEAD", target, headers });
      await assertRefused(await head("/api/a"), 401, {}, { head: true });
      await assertProblem(await head("/unknown"), 404, { head: true });
      await assertRefused(await head("/api/a", [["Authorization", "Bearer a.b.c"]]), 401, INVALID, {
        head: true,
      });
      origin.expectNone();
      const response = await head("/api/a", [["Authorization", `Bearer ${hs256Token()}`]]);
      assert.equal(response.rest.length, 0);
      const seen = await assertAdmitted(response, origin);
      assert.equal(seen.method, "HEAD");
    });

    test("RFC 6750 section 3.1: a route's scopes are all needed, and the refusal names them", async ({
      gate,
      origin,
    }) => {
      const lacking = { error: "insufficient_scope", error_description: /./, scope: "admin" };
      for (const scope of [undefined, "", "read", "administrator", "read admin:all", "ADMIN"]) {
        await assertRefused(
          await gate.fetchWith(hs256Token({ scope }), "/admin/users"),
          403,
          lacking,
          { why: scope },
        );
        origin.expectNone(scope);
      }
      for (const scope of ["admin", "read admin", "admin write"]) {
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token({ scope }), "/admin/users"),
          origin,
          scope,
        );
        assert.equal(seen.header("x-auth-scope"), scope);
      }
      await assertAdmitted(
        await gate.fetchWith(hs256Token({ scp: ["read", "admin"] }), "/admin/users"),
        origin,
      );
      await assertRefused(await gate.fetch("/admin/users"), 401);
      origin.expectNone();
    });

    test("every method of the standard passes a route that names none", async ({
      gate,
      origin,
    }) => {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
        await assertRefused(
          await gate.fetch("/api/a", { method }),
          401,
          {},
          { head: method === "HEAD", why: method },
        );
        origin.expectNone(method);
        const seen = await assertAdmitted(
          await gate.fetchWith(hs256Token(), "/api/a", { method }),
          origin,
          method,
        );
        assert.equal(seen.method, method);
      }
    });
  },
);

withGate(
  "the most specific route",
  ({ origin }) => ({
    policy: hs256({
      origin,
      routes: [
        { path: "/*", access: "public" },
        { path: "/{tenant}/admin" },
        { path: "/open/admin", methods: ["GET"], access: "public" },
        { path: "/open/admin", methods: ["POST"] },
        { path: "/open/*" },
        { path: "/caf\u00e9" },
      ],
    }),
    secrets: { SECRET },
  }),
  (test) => {
    test("wins, whatever the order in the policy", async ({ gate, origin }) => {
      const guarded = [
        "/acme/admin",
        "/acme/admin/",
        "/open",
        "/open/",
        "/open/a",
        "/open/admin/b",
        "/caf%C3%A9",
      ];
      for (const target of guarded) {
        await assertRefused(await gate.fetch(target), 401, {}, { why: target });
        origin.expectNone(target);
      }
      for (const target of [
        "/",
        "/acme",
        "/acme/adminx",
        "/acme/admin/b",
        "/open/admin",
        "/opened",
        "/cafe",
      ]) {
        await assertAdmitted(await gate.fetch(target), origin, target);
      }
    });

    test("decides alone about the method: there is no fall to a wider one", async ({
      gate,
      origin,
    }) => {
      await assertRefused(await gate.fetch("/open/admin", { method: "POST" }), 401);
      const { header } = await assertProblem(
        await gate.fetch("/open/admin", { method: "DELETE" }),
        405,
      );
      assert.deepEqual(header("allow").split(", ").sort(), ["GET", "HEAD", "POST"]);
      origin.expectNone();
    });
  },
);
