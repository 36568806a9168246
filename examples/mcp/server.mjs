// An MCP server that does not handle tokens: the gate passes on the caller and the scopes in two
// headers. The server must be reachable only through the gate; here it listens on the loopback
// interface.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as z from "zod/v4";

/** @import { CallToolResult, RequestInfo } from "@modelcontextprotocol/sdk/types.js" */

/**
 * @param {string} text
 * @returns {CallToolResult}
 */
const text = (text) => ({ content: [{ type: "text", text }] });

/**
 * @param {string} why
 * @returns {CallToolResult}
 */
const refused = (why) => ({ ...text(why), isError: true });

/**
 * Creates the server for one request.
 *
 * @param {Map<string, string[]>} notes by their owners
 */
function notebook(notes) {
  const server = new McpServer({ name: "notebook", version: "1.0.0" });
  /** @param {{requestInfo?: RequestInfo}} extra */
  const caller = ({ requestInfo }) => String(requestInfo?.headers["x-auth-subject"] ?? "");
  /** @param {{requestInfo?: RequestInfo}} extra */
  const scopes = ({ requestInfo }) => String(requestInfo?.headers["x-auth-scope"] ?? "").split(" ");

  server.registerTool("list_notes", { description: "Your notes" }, (extra) =>
    text(JSON.stringify(notes.get(caller(extra)) ?? [])),
  );
  server.registerTool(
    "add_note",
    { description: "Adds a note to yours", inputSchema: { note: z.string() } },
    ({ note }, extra) => {
      if (!scopes(extra).includes("write")) return refused("this tool needs the scope write");
      notes.set(caller(extra), [...(notes.get(caller(extra)) ?? []), note]);
      return text("added");
    },
  );
  return server;
}

/**
 * Starts the server without sessions: each request is independent.
 *
 * @param {number} port
 */
export function serve(port) {
  /** @type {Map<string, string[]>} */
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  serve(3000).on("listening", () => console.log("the MCP server listens on http://127.0.0.1:3000"));
}
