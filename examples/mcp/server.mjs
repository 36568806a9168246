// An MCP server that knows nothing of tokens: who asks, and with which scopes, the gate says in two headers. It has to
// be reached through the gate alone; here it listens on this machine only.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as z from "zod/v4";

const text = (text) => ({ content: [{ type: "text", text }] });

const refused = (why) => ({ ...text(why), isError: true });

/** The server for one request. */
function notebook(notes) {
  const server = new McpServer({ name: "notebook", version: "1.0.0" });
  const caller = ({ requestInfo }) => requestInfo.headers["x-auth-subject"];
  const scopes = ({ requestInfo }) => (requestInfo.headers["x-auth-scope"] ?? "").split(" ");

  server.registerTool("list_notes", { description: "Your notes" }, (extra) =>
    text(JSON.stringify(notes.get(caller(extra)) ?? [])),
  );
  server.registerTool(
    "add_note",
    { description: "Adds a note to yours", inputSchema: { note: z.string() } },
    ({ note }, extra) => {
      if (!scopes(extra).includes("write")) return refused("this takes the scope write");
      notes.set(caller(extra), [...(notes.get(caller(extra)) ?? []), note]);
      return text("added");
    },
  );
  return server;
}

/** Listens, and returns the server of Node's. Without sessions: each request stands for itself. */
export function serve(port) {
  const notes = new Map();
  return createServer(async (request, response) => {
    if (request.method !== "POST") {
      response.writeHead(405, { Allow: "POST" }).end();
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: undefined,
      enableJsonResponse: true,
    });
    const server = notebook(notes);
    response.on("close", () => server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response);
  }).listen(port, "127.0.0.1");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  serve(3000).on("listening", () => console.log("the MCP server listens on http://127.0.0.1:3000"));
}
