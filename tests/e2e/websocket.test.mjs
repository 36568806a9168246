// WebSockets pass the gate as they are, once they are let in (RFC 6455).

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { assertRefused, bounded, INVALID, policies, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const UPGRADE = [
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["Sec-WebSocket-Version", "13"],
];

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `WebSockets in ${runtime}`,
    ({ origin }) => ({ runtime, policy: hs256({ origin }), secrets: { SECRET } }),
    (test) => {
      const connect = async (
        t,
        gate,
        {
          path = "/api/socket",
          protocols = [],
          headers = { Authorization: `Bearer ${hs256Token()}` },
        } = {},
      ) => {
        const socket = new WebSocket(`${gate.url.replace("http", "ws")}${path}`, protocols, {
          headers,
          perMessageDeflate: false,
        });
        t.after(() => socket.terminate());
        await bounded(once(socket, "open"), "a WebSocket to open");
        return socket;
      };

      const echoed = async (socket, message) => {
        const answer = once(socket, "message");
        socket.send(message);
        const [data, isBinary] = await bounded(answer, "an echo");
        return isBinary ? data : data.toString();
      };

      test("with a good token frames go both ways, and the origin learns in whose name", async ({
        gate,
        origin,
        t,
      }) => {
        const socket = await connect(t, gate);
        const seen = origin.expectOne();
        assert.equal(seen.target, "/api/socket");
        assert.equal(seen.header("x-auth-subject"), "user-1");
        assert.equal(await echoed(socket, "hello"), "hello");
        assert.deepEqual(await echoed(socket, Buffer.from([0, 1, 255])), Buffer.from([0, 1, 255]));
        const long = "é".repeat(100_000);
        assert.equal(await echoed(socket, long), long);
      });

      test("either side may close, and the other learns why", async ({ gate, origin, t }) => {
        const ours = await connect(t, gate);
        const atOrigin = origin.expectOne().webSocket;
        const closedThere = once(atOrigin, "close");
        ours.close(4001, "done here");
        const [code, reason] = await bounded(closedThere, "a close at the origin");
        assert.deepEqual([code, reason.toString()], [4001, "done here"]);

        const second = await connect(t, gate);
        const closedHere = once(second, "close");
        origin.expectOne().webSocket.close(4002, "done there");
        const [theirCode, theirReason] = await bounded(closedHere, "a close at the client");
        assert.deepEqual([theirCode, theirReason.toString()], [4002, "done there"]);
      });

      test("RFC 6455 section 1.9: the subprotocol that the origin chooses comes back", async ({
        gate,
        origin,
        t,
      }) => {
        origin.chooseProtocol = (offered) => (offered.has("chat") ? "chat" : false);
        const socket = await connect(t, gate, { protocols: ["superchat", "chat"] });
        assert.equal(socket.protocol, "chat");
        assert.match(origin.expectOne().header("sec-websocket-protocol"), /superchat.*chat/);
      });

      test("without a good token there is no upgrade", async ({ gate, origin }) => {
        const upgrade = (headers) =>
          gate.raw({
            bare: true,
            target: "/api/socket",
            headers: [["Host", gate.host], ["Connection", "Upgrade"], ...UPGRADE, ...headers],
          });
        await assertRefused(await upgrade([]), 401);
        await assertRefused(await upgrade([["Authorization", "Bearer a.b.c"]]), 401, INVALID);
        origin.expectNone();
      });

      test("a public and an optional route take them without one", async ({ gate, origin, t }) => {
        for (const path of ["/public/socket", "/optional/socket"]) {
          const socket = await connect(t, gate, { path, headers: { "X-Auth-Subject": "admin" } });
          assert.equal(origin.expectOne().header("x-auth-subject"), undefined);
          assert.equal(await echoed(socket, path), path);
        }
      });

      test("an origin that takes no upgrade answers for itself", async ({ gate, origin, t }) => {
        origin.acceptWebSockets = false;
        const socket = new WebSocket(`${gate.url.replace("http", "ws")}/api/socket`, {
          headers: { Authorization: `Bearer ${hs256Token()}` },
        });
        t.after(() => socket.terminate());
        socket.on("error", () => {});
        const [, response] = await bounded(
          once(socket, "unexpected-response"),
          "an answer that is no upgrade",
        );
        assert.equal(response.statusCode, 426);
        origin.expectOne();
      });
    },
  );
}
