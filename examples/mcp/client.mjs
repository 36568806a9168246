// An MCP client that knows only the server's address and its own credentials. It discovers
// everything else: the gate's 401 names the metadata of the resource (RFC 9728), those name the
// provider, and the provider's metadata (RFC 8414) names the token endpoint.

import { pathToFileURL } from "node:url";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CLIENT } from "./provider.mjs";

/** @import { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js" */

/**
 * Returns a connected client.
 *
 * @param {string} address
 * @param {{expectedIssuer: string, fetch?: FetchLike}} options `fetch` is for tests
 */
export async function connect(address, { expectedIssuer, fetch }) {
  const authProvider = new ClientCredentialsProvider({
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    expectedIssuer,
    // With client credentials, the SDK requests this scope and ignores the scopes in the metadata.
    scope: "read write",
  });
  const client = new Client({ name: "notebook-agent", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(address), { authProvider, fetch }),
  );
  return client;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const client = await connect("http://127.0.0.1:8787/mcp", {
    expectedIssuer: "http://127.0.0.1:4000",
  });
  const { tools } = await client.listTools();
  console.log("tools:", tools.map(({ name }) => name).join(", "));
  const call = async (/** @type {string} */ name, given = {}) => {
    const result = await client.callTool({ name, arguments: given });
    const [first] = /** @type {{text: string}[]} */ (result.content);
    console.log(`${name}:`, first?.text);
  };
  await call("add_note", { note: "written through the gate" });
  await call("list_notes");
  await client.close();
}
