// An MCP client that is told the server's address and its own credentials, and finds out the rest: from the gate's
// 401 to the resource's metadata (RFC 9728), to the provider's (RFC 8414), to a token, to the tools.

import { pathToFileURL } from "node:url";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CLIENT } from "./provider.mjs";

/** A client that has connected. `fetch` is for tests. */
export async function connect(address, { expectedIssuer, fetch }) {
  const authProvider = new ClientCredentialsProvider({
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    expectedIssuer,
    // With client credentials the SDK asks for what stands here, and not for what the metadata list.
    scope: "read write",
  });
  const client = new Client({ name: "notebook-agent", version: "1.0.0" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(address), { authProvider, fetch }),
  );
  return client;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const client = await connect("http://127.0.0.1:8787/mcp", {
    expectedIssuer: "http://127.0.0.1:4000",
  });
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
