// Which requests need a token, and the responses to requests without one or without a route.

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
    test("a public route needs no token and ignores any", async ({ gate, origin }) => {
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
        assert.equal(seen.header("authorization"), value, "the header is for the origin");
        assert.equal(seen.header("x-auth-subject"), undefined);
      }
      const two = [
        ["Authorization", `Bearer ${good}`],
        ["Authorization", `Bearer ${good}`],
      ];
      await assertAdmitted(await gate.raw({ target: "/public/", headers: two }), origin);
    });

    test("an optional route admits a request without a token as anonymous", async ({
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
        "credentials of another scheme are for the origin",
      );
    });

    test("an optional route admits a valid token and refuses an invalid one", async ({
      gate,
      origin,
    }) => {
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

    test("RFC 9110 section 15.5.5: answers 404 if no route matches, even with a token", async ({
      gate,
      origin,
    }) => {
      /** @type {Record<string, string>[]} */
      const variants = [{}, { Authorization: `Bearer ${hs256Token()}` }];
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
        for (const headers of variants) {
          const { header } = await assertProblem(await gate.fetch(target, { headers }), 404, {
            why: target,
          });
          assert.equal(header("www-authenticate"), undefined);
          origin.expectNone(target);
        }
      }
    });

    test("a pattern that ends in /* also matches the path before it", async ({ gate, origin }) => {
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
        assert.equal(seen.target, target, "the target is forwarded unchanged");
      }
    });

    test("RFC 9110 section 15.5.6: answers 405 with Allow to other methods", async ({
      gate,
      origin,
    }) => {
      /** @type {Record<string, string>[]} */
      const variants = [{}, { Authorization: `Bearer ${hs256Token()}` }];
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        for (const headers of variants) {
          const { header } = await assertProblem(
            await gate.fetch("/read-only/a", { method, headers }),
            405,
            {
              why: method,
            },
          );
          const allowed = (header("allow") ?? "").split(",").map((one) => one.trim());
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

    test("a header that names another method is removed and does not change the route", async ({
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

    test("RFC 9110 section 9.3.2: responses to HEAD have no body", async ({ gate, origin }) => {
      /**
       * @param {string} target
       * @param {string[][]} [headers]
       */
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

    test("RFC 6750 section 3.1: a token needs every scope that the challenge names", async ({
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
      await assertRefused(await gate.fetch("/admin/users"), 401, { scope: "admin" });
      origin.expectNone();
    });

    test("a route without methods allows every standard method", async ({ gate, origin }) => {
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
    test("takes precedence, regardless of the order in the policy", async ({ gate, origin }) => {
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

    test("alone decides which methods are allowed", async ({ gate, origin }) => {
      await assertRefused(await gate.fetch("/open/admin", { method: "POST" }), 401);
      const { header } = await assertProblem(
        await gate.fetch("/open/admin", { method: "DELETE" }),
        405,
      );
      assert.deepEqual((header("allow") ?? "").split(", ").sort(), ["GET", "HEAD", "POST"]);
      origin.expectNone();
    });
  },
);
