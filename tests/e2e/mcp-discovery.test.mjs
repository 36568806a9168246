// An MCP client that knows nothing but the address of an API: from its first refusal to a token that passes, by the
// metadata of the resource (RFC 9728) and of the real provider (RFC 8414), and the resource indicator (RFC 8707).

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

const { published } = policies;

const RESOURCE_METADATA = "/.well-known/oauth-protected-resource";
const OAUTH_METADATA = "/.well-known/oauth-authorization-server";

/** Past so many seconds the provider's tokens have run out. */
const EIGHT_DAYS = 8 * 86_400;

const ROUTES = [
  { path: "/mcp/*", scopes: ["read"] },
  { path: "/mcp/tools/*", scopes: ["read", "write"] },
  { path: "/mcp/tenant/*", claims: [{ path: "/tenant", equals: "acme" }] },
  { path: "/mcp/step-up/*", acr: ["urn:example:two-factors"], max_auth_age: 60 },
];

/** A gate before the resource `identifier`, whose tokens the provider issues. */
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
 * The well-known address for an identifier: the suffix goes between its host and its path, of which a slash that ends
 * the host is no part (RFC 9728 section 3.1, RFC 8414 section 3.1).
 */
function wellKnown(identifier, suffix) {
  const [, base, path] = /^(https?:\/\/[^/]+)(\/.*)?$/.exec(identifier);
  return `${base}${suffix}${path === "/" ? "" : (path ?? "")}`;
}

/**
 * The same address at the gate. The identifier is an https URL, as it must be, while the gate under test listens on
 * http://127.0.0.1: where a deployment's DNS and TLS would lead, only scheme and host are exchanged here.
 */
function atGate(gate, url) {
  const { pathname, search } = new URL(url);
  return new URL(`${pathname}${search}`, gate.url);
}

/** A document that a client reads over the network: JSON, 200, not redirected. */
async function readDocument(url) {
  const response = await fetch(url, { redirect: "error" });
  assert.equal(response.status, 200, String(url));
  assert.match(response.headers.get("content-type"), /^application\/json(;|$)/);
  return { response, document: await response.json() };
}

/** A token by client credentials (RFC 6749 section 4.4) for one resource (RFC 8707 section 2). */
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

const claimsOf = (token) => JSON.parse(Buffer.from(tokens.segments(token)[1], "base64url"));

for (const runtime of ["miniflare", "workerd"]) {
  for (const identifier of [
    "https://api.example.com/mcp",
    "https://api.example.com",
    "https://api.example.com:8443/",
  ]) {
    providerTest(
      `a client finds its way from a refusal to a token for ${identifier} in ${runtime}`,
      guarding(identifier, { options: { runtime } }),
      async ({ gate, origin, provider }) => {
        const refused = await gate.fetch("/mcp");
        assert.equal(refused.status, 401);
        const { scheme, parameters } = onlyChallenge(refused.headers.get("www-authenticate"));
        assert.equal(scheme, "bearer");
        const { resource_metadata: address, error } = parameters;
        assert.equal(error, undefined, "RFC 6750 section 3.1: no error where there was no token");
        assert.ok(URL.canParse(address), address);

        const { response, document } = await readDocument(atGate(gate, address));
        assert.equal(response.headers.get("access-control-allow-origin"), "*");
        // RFC 9728 section 3.3: a document that speaks of another resource must not be used.
        assert.equal(document.resource, identifier);
        assert.equal(wellKnown(document.resource, RESOURCE_METADATA), address);
        assert.deepEqual(document, {
          resource: identifier,
          authorization_servers: [provider.issuer],
          scopes_supported: ["read", "write"],
          bearer_methods_supported: ["header"],
        });
        await provider.expectFetches([], "what the gate says of itself it need not ask for");

        const [server] = document.authorization_servers;
        const { document: metadata } = await readDocument(wellKnown(server, OAUTH_METADATA));
        assert.equal(metadata.issuer, server, "RFC 8414 section 3.3");
        assert.ok(metadata.grant_types_supported.includes("client_credentials"));
        assert.equal(new URL(metadata.token_endpoint).origin, provider.issuer);
        await provider.expectFetches([OAUTH_METADATA], "of the client");

        const [scope] = document.scopes_supported;
        const token = await obtainToken(metadata.token_endpoint, {
          resource: document.resource,
          scope,
        });
        assert.deepEqual([claimsOf(token).iss, claimsOf(token).aud], [server, identifier]);
        const seen = await assertAdmitted(await gate.fetchWith(token, "/mcp"), origin);
        assert.equal(seen.header("authorization"), `Bearer ${token}`);
        assert.equal(seen.header("x-auth-subject"), "client-RS256");
        assert.equal(seen.header("x-auth-scope"), scope);
        await provider.expectFetches([JWKS], "of the gate, at its first token");

        // More is needed, and the challenge says what (RFC 6750 section 3.1).
        const more = await gate.fetchWith(token, "/mcp/tools/call", { method: "POST", body: "{}" });
        assert.equal(more.status, 403);
        const insufficient = onlyChallenge(more.headers.get("www-authenticate")).parameters;
        assert.deepEqual(
          [insufficient.error, insufficient.resource_metadata],
          ["insufficient_scope", address],
        );
        const wider = await obtainToken(metadata.token_endpoint, {
          resource: identifier,
          scope: insufficient.scope,
        });
        const answer = await gate.fetchWith(wider, "/mcp/tools/call", {
          method: "POST",
          body: "{}",
        });
        const called = await assertAdmitted(answer, origin);
        assert.deepEqual([called.method, called.target], ["POST", "/mcp/tools/call"]);
        assert.equal((await called.body()).text, "{}");

        // The same server's token for another resource is none for this one.
        const resource = "https://other.example.com/mcp";
        const elsewhere = await obtainToken(metadata.token_endpoint, { resource, scope });
        await assertRefused(
          await gate.fetchWith(elsewhere, "/mcp"),
          401,
          { ...INVALID, resource_metadata: address },
          {
            detail: "wrong_audience",
          },
        );
        await provider.expectFetches([], "the keys are there");
      },
    );
  }
}

const IDENTIFIER = "https://api.example.com/mcp";
const PATH = `${RESOURCE_METADATA}/mcp`;
const resource_metadata = `https://api.example.com${PATH}`;

providerTest(
  "RFC 9728 section 5.1: whatever the challenge says, it points at the document",
  guarding(IDENTIFIER, {
    policy: {
      token: { sources: ["authorization", { query: "access_token" }] },
      revocation: { kv: "REVOKED" },
    },
    options: { kvNamespaces: ["REVOKED"] },
  }),
  async ({ gate, origin, provider }) => {
    const get = (scope = "read", audience = IDENTIFIER) => provider.token({ scope, audience });
    const refuse = (response, status, challenge, detail) =>
      assertRefused(response, status, { ...challenge, resource_metadata }, { detail, why: detail });
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
    await provider.expectFetches([], "nothing yet for which a key is needed");

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
    await provider.expectFetches([JWKS], "the keys of eight days ago are too old");

    // What has no challenge has no pointer either.
    for (const [target, status] of [
      ["/nowhere", 404],
      ["/mcp//x", 400],
    ]) {
      const { header } = await assertProblem(await gate.raw({ target }), status, {
        detail: status === 404 ? "no_route" : "ambiguous_path",
      });
      assert.equal(header("www-authenticate"), undefined);
    }
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  providerTest(
    `the document and its address are the policy's, whatever a request says, in ${runtime}`,
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
          { resource_metadata },
          { detail: "missing_token", why: host },
        );
        const read = await gate.raw({ bare: true, target: PATH, headers });
        assert.deepEqual([read.status, JSON.parse(read.text)], [200, document], host);
      }

      // HEAD says what GET does, less the document (RFC 9110 section 9.3.2).
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
        assert.deepEqual(header("allow").split(", ").sort(), ["GET", "HEAD", "OPTIONS"]);
      }
      // A page's script asks first, as it sends the version of the protocol along (MCP, Streamable HTTP).
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

      // A bad token is none of the document's business, and another resource's document is not here.
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
