// examples/mcp: the client of the MCP SDK, an identity provider, and an MCP server behind the gate.

import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { experimental_readRawConfig } from "wrangler";
import { connect } from "../../examples/mcp/client.mjs";
import { CLIENT, provide } from "../../examples/mcp/provider.mjs";
import { serve } from "../../examples/mcp/server.mjs";
import {
  assertRefused,
  INVALID,
  onlyChallenge,
  repository,
  startGate,
  tokens,
} from "./harness/index.mjs";

/** @import { IncomingHttpHeaders, Server } from "node:http" */
/** @import { AddressInfo } from "node:net" */
/** @import { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js" */
/** @import { Resource } from "../../policy.d.ts" */
/** @import { TestPolicy } from "./harness/policies.mjs" */
/** @import { Running } from "./harness/running.mjs" */

/** @typedef {{line: string, headers: IncomingHttpHeaders}} Recorded */

const { rawConfig } = experimental_readRawConfig({
  config: path.join(repository, "examples/mcp/wrangler.toml"),
});
/** @type {TestPolicy & {resource: Resource}} */
const POLICY = rawConfig.vars.POLICY;
const RESOURCE = POLICY.resource.identifier;

const addressOf = async (/** @type {Server} */ server) => {
  await once(server, "listening");
  const { port } = /** @type {AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}`;
};

/** @param {unknown} content of the result of a tool */
const textOf = (content) => /** @type {{text: string}[]} */ (content)[0]?.text ?? "";

const PARAMETERS = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
};
const INITIALIZE = {
  method: "POST",
  headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: PARAMETERS }),
};

describe("examples/mcp", { timeout: 120_000 }, () => {
  /** @type {Server} */
  let server;
  /** @type {Server} */
  let provider;
  /** @type {string} */
  let issuer;
  /** @type {Running} */
  let gate;
  /**
   * The requests that the server and the provider have received since the last `take`.
   *
   * @type {{server: Recorded[], provider: Recorded[]}}
   */
  const reached = { server: [], provider: [] };
  const take = (/** @type {keyof typeof reached} */ name) => reached[name].splice(0);
  const record = (/** @type {keyof typeof reached} */ name, /** @type {Server} */ from) =>
    from.on("request", ({ method, url, headers }) =>
      reached[name].push({ line: `${method} ${url}`, headers }),
    );

  before(async () => {
    server = serve(0);
    provider = provide(0);
    const [origin, address] = await Promise.all([addressOf(server), addressOf(provider)]);
    issuer = address;
    record("server", server);
    record("provider", provider);
    gate = await startGate({
      policy: {
        ...POLICY,
        origin,
        issuers: [{ ...POLICY.issuers[0], issuer }],
        resource: { ...POLICY.resource, authorization_servers: [issuer] },
        errors: { detail: "reason" },
      },
    });
  });
  after(async () => {
    await gate?.stop();
    for (const one of [server, provider]) {
      one.closeAllConnections();
      one.close();
    }
  });

  /**
   * The requests of the client.
   *
   * @type {string[]}
   */
  const asked = [];
  /**
   * Sends requests for the resource's identifier, which the policy determines, to the gate's
   * address.
   *
   * @type {FetchLike}
   */
  const toGate = (url, init) => {
    const { origin, pathname, search } = new URL(url);
    const isOurs = origin === new URL(RESOURCE).origin;
    asked.push(`${init?.method ?? "GET"} ${isOurs ? "gate" : "provider"} ${pathname}`);
    return fetch(isOurs ? new URL(`${pathname}${search}`, gate.url) : url, init);
  };
  const connected = ({ expectedIssuer = issuer } = {}) =>
    connect(RESOURCE, { expectedIssuer, fetch: toGate });

  it("the client gets from a 401 to the tools", async () => {
    const client = await connected();
    assert.deepEqual(asked.splice(0, 5), [
      "POST gate /mcp",
      "GET gate /.well-known/oauth-protected-resource/mcp",
      "GET provider /.well-known/oauth-authorization-server",
      "POST provider /token",
      "POST gate /mcp",
    ]);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map(({ name }) => name).sort(), ["add_note", "list_notes"]);
    const added = await client.callTool({ name: "add_note", arguments: { note: "remember" } });
    assert.deepEqual([added.isError ?? false, textOf(added.content)], [false, "added"]);
    const listed = await client.callTool({ name: "list_notes" });
    assert.deepEqual(JSON.parse(textOf(listed.content)), ["remember"]);
    await client.close();

    const seen = take("server");
    assert.ok(seen.length >= 5);
    for (const { headers } of seen) {
      assert.equal(headers["x-auth-subject"], CLIENT.id);
      assert.equal(headers.authorization, undefined, "the gate does not forward the token");
    }
    take("provider");
  });

  it("a tool can require a scope", async () => {
    const narrow = await token({ scope: "read" });
    const response = await fetch(new URL("/mcp", gate.url), {
      ...INITIALIZE,
      headers: {
        ...INITIALIZE.headers,
        Authorization: `Bearer ${narrow}`,
        "X-Auth-Scope": "write",
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "add_note", arguments: { note: "not allowed" } },
      }),
    });
    const { result } = await response.json();
    assert.deepEqual([response.status, result.isError], [200, true]);
    assert.deepEqual(
      take("server").map(({ headers }) => headers["x-auth-scope"]),
      ["read"],
    );
    take("provider");
  });

  it("the server receives no request with a missing, forged or foreign token", async () => {
    const ask = (/** @type {string | undefined} */ bearer = undefined) =>
      fetch(new URL("/mcp", gate.url), {
        ...INITIALIZE,
        headers: { ...INITIALIZE.headers, ...(bearer && { Authorization: `Bearer ${bearer}` }) },
      });
    const metadata = "http://127.0.0.1:8787/.well-known/oauth-protected-resource/mcp";
    const without = await ask();
    assert.equal(
      onlyChallenge(without.headers.get("www-authenticate") ?? "").parameters.resource_metadata,
      metadata,
    );
    const named = { scope: "read", resource_metadata: metadata };
    await assertRefused(without, 401, named, { detail: "missing_token" });
    const refused = { ...INVALID, ...named };
    const good = await token({ scope: "read" });
    const forged = tokens.withChangedCharacter(good, good.length - 20);
    await assertRefused(await ask(forged), 401, refused, { detail: "bad_signature" });
    const elsewhere = await token({ scope: "read", resource: "https://other.example.com/mcp" });
    await assertRefused(await ask(elsewhere), 401, refused, { detail: "wrong_audience" });
    assert.deepEqual(take("server"), []);
    assert.equal((await ask(good)).status, 200);
    assert.equal(take("server").length, 1);
  });

  it("the client sends its secret only to the provider with which it is registered", async () => {
    await assert.rejects(connected({ expectedIssuer: "https://other.example.com" }));
    assert.deepEqual(
      take("provider").filter(({ line }) => line.includes("/token")),
      [],
    );
    assert.deepEqual(take("server"), []);
  });

  /**
   * Requests a token for the client.
   *
   * @param {{scope: string, resource?: string}} wanted
   * @returns {Promise<string>}
   */
  async function token({ scope, resource = RESOURCE }) {
    const response = await fetch(`${issuer}/token`, {
      method: "POST",
      headers: {
        Authorization: `Basic ${btoa(`${CLIENT.id}:${encodeURIComponent(CLIENT.secret)}`)}`,
      },
      body: new URLSearchParams({ grant_type: "client_credentials", scope, resource }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    take("provider");
    return answer.access_token;
  }
});
