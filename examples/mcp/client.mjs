// An MCP client that knows only the server's address and its own credentials. The gate's 401 leads
// it to the resource's metadata (RFC 9728), to the provider's metadata (RFC 8414) and to a token.

import { pathToFileURL } from "node:url";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CLIENT } from "./provider.mjs";

/** Connects and returns the client. Tests pass their own `fetch`. */
export async function connect(address, { expectedIssuer, fetch }) {
  const authProvider = new ClientCredentialsProvider({
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    expectedIssuer,
    // With client credentials the SDK requests these scopes and ignores those in the metadata.
    scope: "read write",
  });
  const client = new Client({ name: "notebook-agent", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(address), { authProvider, fetch }));
  return client;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const client = await connect("http://127.0.0.1:8787/mcp", { expectedIssuer: "http://127.0.0.1:4000" });
  const { tools } = await client.listTools();
  console.log("tools:", tools.map(({ name }) => name).join(", "));
  const call = async (name, given) => {
    const { content } = await client.callTool({ name, arguments: given });
    console.log(`${name}:`, content[0].text);
  };
  await call("add_note", { note: "written through the gate" });
  await call("list_notes");
  await client.close();
}
