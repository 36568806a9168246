// An MCP client that knows only the address of an API. It is refused, reads the metadata of the
// resource (RFC 9728) and of a real provider (RFC 8414), and requests a token for the resource
// (RFC 8707).

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  INVALID,
  INVALID_REQUEST,
  JWKS,
  onlyChallenge,
  policies,
  providerTest,
  tokens,
} from "./harness/index.mjs";

/** @import { AnyResponse } from "./harness/answers.mjs" */
/** @import { GateOptions, Providers } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { published } = policies;

const RESOURCE_METADATA = "/.well-known/oauth-protected-resource";
const OAUTH_METADATA = "/.well-known/oauth-authorization-server";

/** After this many seconds, the provider's tokens have expired. */
const EIGHT_DAYS = 8 * 86_400;

const ROUTES = [
  { path: "/mcp/*", scopes: ["read"] },
  { path: "/mcp/tools/*", scopes: ["read", "write"] },
  { path: "/mcp/tenant/*", claims: [{ path: "/tenant", equals: "acme" }] },
  { path: "/mcp/step-up/*", acr: ["urn:example:two-factors"], max_auth_age: 60 },
];

/**
 * A gate in front of the resource `identifier`, for which the provider issues tokens.
 *
 * @param {string} identifier
 * @param {{policy?: Record<string, unknown>, options?: GateOptions}} [more]
 * @returns {(site: {origin: Origin} & Providers) => GateOptions}
 */
const guarding =
  (identifier, more = {}) =>
  ({ origin, provider }) => ({
    policy: published({
      origin,
      provider,
      issuer: { audience: identifier, algorithms: ["RS256"] },
      routes: ROUTES,
      resource: {
        identifier,
        authorization_servers: [provider.issuer],
        scopes_supported: ["read", "write"],
      },
      ...more.policy,
    }),
    ...more.options,
  });

/**
 * The well-known URL for an identifier. The suffix goes between the host and the path. A slash
 * directly after the host is removed if nothing follows it (RFC 9728 section 3.1, RFC 8414 section
 * 3.1).
 *
 * @param {string} identifier
 * @param {string} suffix
 */
function wellKnown(identifier, suffix) {
  const found = /^(https?:\/\/[^/]+)(\/.*)?$/.exec(identifier);
  assert.ok(found, identifier);
  const [, base, path] = found;
  return `${base}${suffix}${path === "/" ? "" : (path ?? "")}`;
}

/**
 * The same path and query at the gate. The identifier must be an https URL, but the gate under test
 * listens on http://127.0.0.1, so scheme and host are replaced.
 *
 * @param {Running} gate
 * @param {string} url
 */
function atGate(gate, url) {
  const { pathname, search } = new URL(url);
  return new URL(`${pathname}${search}`, gate.url);
}

/**
 * Fetches a JSON document. Asserts a status of 200 without a redirect.
 *
 * @param {string | URL} url
 */
async function readDocument(url) {
  const response = await fetch(url, { redirect: "error" });
  assert.equal(response.status, 200, String(url));
  assert.match(response.headers.get("content-type") ?? "", /^application\/json(;|$)/);
  return { response, document: await response.json() };
}

/**
 * Requests a token for one resource (RFC 8707 section 2) with client credentials (RFC 6749 section
 * 4.4).
 *
 * @param {string} endpoint
 * @param {{resource: string, scope: string}} wanted
 * @returns {Promise<string>}
 */
async function obtainToken(endpoint, { resource, scope }) {
  const response = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "client-RS256",
      client_secret: "the secret of client-RS256, long enough for whatever it may sign",
      resource,
      scope,
    }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  assert.equal(answer.token_type.toLowerCase(), "bearer");
  return answer.access_token;
}

/** @param {string} token */
const claimsOf = (token) =>
  JSON.parse(Buffer.from(tokens.segments(token)[1], "base64url").toString());

for (const runtime of ["miniflare", "workerd"]) {
  for (const identifier of [
    "https://api.example.com/mcp",
    "https://api.example.com",
    "https://api.example.com:8443/",
  ]) {
    providerTest(
      `a refused client can discover how to get a token for ${identifier} in ${runtime}`,
      guarding(identifier, { options: { runtime } }),
      async ({ gate, origin, provider }) => {
        const refused = await gate.fetch("/mcp");
        assert.equal(refused.status, 401);
        const { scheme, parameters } = onlyChallenge(refused.headers.get("www-authenticate") ?? "");
        assert.equal(scheme, "bearer");
        const { resource_metadata: address, error } = parameters;
        assert.equal(error, undefined, "RFC 6750 section 3.1: no error if there was no token");
        assert.ok(address !== undefined && URL.canParse(address), address);

        const { response, document } = await readDocument(atGate(gate, address));
        assert.equal(response.headers.get("access-control-allow-origin"), "*");
        // RFC 9728 section 3.3: a client must not use a document for another resource.
        assert.equal(document.resource, identifier);
        assert.equal(wellKnown(document.resource, RESOURCE_METADATA), address);
        assert.deepEqual(document, {
          resource: identifier,
          authorization_servers: [provider.issuer],
          scopes_supported: ["read", "write"],
          bearer_methods_supported: ["header"],
        });
        await provider.expectFetches([], "the gate needs no fetch for its own metadata");

        const [server = ""] = document.authorization_servers;
        const { document: metadata } = await readDocument(wellKnown(server, OAUTH_METADATA));
        assert.equal(metadata.issuer, server, "RFC 8414 section 3.3");
        assert.ok(metadata.grant_types_supported.includes("client_credentials"));
        assert.equal(new URL(metadata.token_endpoint).origin, provider.issuer);
        await provider.expectFetches([OAUTH_METADATA], "by the client");

        const [scope = ""] = document.scopes_supported;
        const token = await obtainToken(metadata.token_endpoint, {
          resource: document.resource,
          scope,
        });
        assert.deepEqual([claimsOf(token).iss, claimsOf(token).aud], [server, identifier]);
        const seen = await assertAdmitted(await gate.fetchWith(token, "/mcp"), origin);
        assert.equal(seen.header("authorization"), `Bearer ${token}`);
        assert.equal(seen.header("x-auth-subject"), "client-RS256");
        assert.equal(seen.header("x-auth-scope"), scope);
        await provider.expectFetches([JWKS], "by the gate, for the first token");

        // The challenge names the required scope (RFC 6750 section 3.1).
        const more = await gate.fetchWith(token, "/mcp/tools/call", { method: "POST", body: "{}" });
        assert.equal(more.status, 403);
        const insufficient = onlyChallenge(more.headers.get("www-authenticate") ?? "").parameters;
        assert.deepEqual(
          [insufficient.error, insufficient.resource_metadata],
          ["insufficient_scope", address],
        );
        const wider = await obtainToken(metadata.token_endpoint, {
          resource: identifier,
          scope: insufficient.scope ?? "",
        });
        const answer = await gate.fetchWith(wider, "/mcp/tools/call", {
          method: "POST",
          body: "{}",
        });
        const called = await assertAdmitted(answer, origin);
        assert.deepEqual([called.method, called.target], ["POST", "/mcp/tools/call"]);
        assert.equal((await called.body()).text, "{}");

        // A token of the same server for another resource is rejected.
        const resource = "https://other.example.com/mcp";
        const elsewhere = await obtainToken(metadata.token_endpoint, { resource, scope });
        await assertRefused(
          await gate.fetchWith(elsewhere, "/mcp"),
          401,
          { ...INVALID, scope: "read", resource_metadata: address },
          {
            detail: "wrong_audience",
          },
        );
        await provider.expectFetches([], "the keys are cached");
      },
    );
  }
}

const IDENTIFIER = "https://api.example.com/mcp";
const PATH = `${RESOURCE_METADATA}/mcp`;
const resource_metadata = `https://api.example.com${PATH}`;

providerTest(
  "RFC 9728 section 5.1: every challenge contains the URL of the metadata document",
  guarding(IDENTIFIER, {
    policy: {
      token: { sources: ["authorization", { query: "access_token" }] },
      revocation: { kv: "REVOKED" },
    },
    options: { kvNamespaces: ["REVOKED"] },
  }),
  async ({ gate, origin, provider }) => {
    const get = (scope = "read", audience = IDENTIFIER) => provider.token({ scope, audience });
    /**
     * @param {AnyResponse} response
     * @param {number} status
     * @param {Record<string, string | RegExp>} challenge
     * @param {string} detail
     */
    const refuse = (response, status, challenge, detail) =>
      assertRefused(
        response,
        status,
        // A challenge that asks for another token names the scopes of the route.
        {
          ...(status === 401 && !("acr_values" in challenge) && { scope: "read" }),
          ...challenge,
          resource_metadata,
        },
        { detail, why: detail },
      );
    const good = await get();
    const parts = tokens.segments(good);
    const unsigned = tokens.rawToken(tokens.base64url('{"alg":"none"}'), parts[1], "x");

    await refuse(await gate.fetch("/mcp"), 401, {}, "missing_token");
    await refuse(
      await gate.fetch("/mcp", { headers: { Authorization: "Basic eDp5" } }),
      401,
      {},
      "missing_token",
    );
    await refuse(
      await gate.fetchWith("a b", "/mcp"),
      400,
      INVALID_REQUEST,
      "malformed_authorization",
    );
    await refuse(
      await gate.fetchWith(good, `/mcp?access_token=${good}`),
      400,
      INVALID_REQUEST,
      "multiple_tokens",
    );
    await refuse(
      await gate.fetchWith("x".repeat(17_000), "/mcp"),
      400,
      INVALID_REQUEST,
      "token_too_large",
    );
    await refuse(await gate.fetchWith("abc", "/mcp"), 401, INVALID, "malformed_token");
    await refuse(await gate.fetchWith(unsigned, "/mcp"), 401, INVALID, "algorithm_not_allowed");
    await provider.expectFetches([], "no request has needed a key so far");

    const forged = tokens.withChangedCharacter(good, good.length - 20);
    await refuse(await gate.fetchWith(forged, "/mcp"), 401, INVALID, "bad_signature");
    const elsewhere = await get("read", "https://other.example.com");
    await refuse(await gate.fetchWith(elsewhere, "/mcp"), 401, INVALID, "wrong_audience");
    const scope = { error: "insufficient_scope", error_description: /./ };
    const tools = await gate.fetchWith(good, "/mcp/tools/x");
    await refuse(tools, 403, { ...scope, scope: "read write" }, "insufficient_scope");
    await refuse(await gate.fetchWith(good, "/mcp/tenant/x"), 403, scope, "claim_not_allowed");
    await refuse(
      await gate.fetchWith(good, "/mcp/step-up/x"),
      401,
      {
        error: "insufficient_user_authentication",
        error_description: /./,
        acr_values: "urn:example:two-factors",
        max_age: "60",
      },
      "insufficient_user_authentication",
    );
    await (
      await gate.miniflare.getKVNamespace("REVOKED")
    ).put(`jti:provider:${claimsOf(good).jti}`, "1");
    await gate.moveClock(61);
    await refuse(await gate.fetchWith(good, "/mcp"), 401, INVALID, "revoked");
    await assertAdmitted(await gate.fetchWith(await get(), "/mcp"), origin);
    await provider.expectFetches([JWKS]);

    await gate.moveClock(EIGHT_DAYS);
    await refuse(await gate.fetchWith(await get(), "/mcp"), 401, EXPIRED, "expired");
    await provider.expectFetches([JWKS], "keys from eight days ago are too old");

    // A response without a challenge does not contain the URL either.
    for (const [target, status] of /** @type {const} */ ([
      ["/nowhere", 404],
      ["/mcp//x", 400],
    ])) {
      const { header } = await assertProblem(await gate.raw({ target }), status, {
        detail: status === 404 ? "no_route" : "ambiguous_path",
      });
      assert.equal(header("www-authenticate"), undefined);
    }
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  providerTest(
    `request headers do not change the metadata document or its URL in ${runtime}`,
    guarding(IDENTIFIER, { options: { runtime } }),
    async ({ gate, origin, provider }) => {
      const { document } = await readDocument(atGate(gate, resource_metadata));
      const misleading = [
        ["Connection", "close"],
        ["X-Forwarded-Host", "evil.example"],
        ["X-Forwarded-Proto", "http"],
        ["Forwarded", "host=evil.example;proto=http"],
        ["X-Original-URL", "/evil"],
      ];
      for (const host of ["evil.example", "api.example.com", gate.host]) {
        const headers = [["Host", host], ...misleading];
        const refused = await gate.raw({ bare: true, target: "/mcp", headers });
        await assertRefused(
          refused,
          401,
          { scope: "read", resource_metadata },
          { detail: "missing_token", why: host },
        );
        const read = await gate.raw({ bare: true, target: PATH, headers });
        assert.deepEqual([read.status, JSON.parse(read.text)], [200, document], host);
      }

      // The response to HEAD has the headers of GET but no body (RFC 9110 section 9.3.2).
      const head = await gate.raw({ method: "HEAD", target: PATH });
      assert.deepEqual([head.status, head.rest.length], [200, 0]);
      assert.equal(head.header("content-type"), "application/json");
      assert.equal(head.header("access-control-allow-origin"), "*");
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const body = method === "DELETE" ? undefined : "{}";
        const { header } = await assertProblem(await gate.fetch(PATH, { method, body }), 405, {
          detail: "method_not_allowed",
          why: method,
        });
        assert.deepEqual((header("allow") ?? "").split(", ").sort(), ["GET", "HEAD", "OPTIONS"]);
      }
      // A script in a page needs a preflight, because it sends the header `MCP-Protocol-Version`
      // (MCP, Streamable HTTP).
      const preflight = await gate.fetch(PATH, {
        method: "OPTIONS",
        headers: {
          Origin: "https://inspector.example",
          "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "mcp-protocol-version",
        },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
      assert.equal(preflight.headers.get("access-control-allow-headers"), "*");

      // The document needs no token, so that an invalid one does not matter. The gate serves no
      // documents of other resources.
      const withToken = await gate.fetchWith("a.b.c", PATH);
      assert.deepEqual([withToken.status, await withToken.json()], [200, document]);
      for (const other of [RESOURCE_METADATA, `${PATH}/tools`, `${RESOURCE_METADATA}/other`]) {
        await assertProblem(await gate.fetch(other), 404, { detail: "no_route", why: other });
      }
      origin.expectNone();
      await provider.expectFetches([]);
    },
  );
}
