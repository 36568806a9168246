// Admitted WebSocket connections are forwarded unchanged (RFC 6455).

import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { assertRefused, bounded, INVALID, policies, withGate } from "./harness/index.mjs";

/** @import { TestContext } from "node:test" */
/** @import { Running } from "./harness/running.mjs" */

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
      /**
       * @param {TestContext} t
       * @param {Running} gate
       * @param {{path?: string, protocols?: string[], headers?: Record<string, string>}} [options]
       */
      const connect = async (t, gate, options = {}) => {
        const {
          path = "/api/socket",
          protocols = [],
          headers = { Authorization: `Bearer ${hs256Token()}` },
        } = options;
        const socket = new WebSocket(`${gate.url.replace("http", "ws")}${path}`, protocols, {
          headers,
          perMessageDeflate: false,
        });
        t.after(() => socket.terminate());
        await bounded(once(socket, "open"), "a WebSocket to open");
        return socket;
      };

      /**
       * @param {WebSocket} socket
       * @param {string | Buffer} message
       */
      const echoed = async (socket, message) => {
        const answer = once(socket, "message");
        socket.send(message);
        const [data, isBinary] = await bounded(answer, "an echo");
        return isBinary ? data : data.toString();
      };

      test("a valid token opens a connection, and the origin receives the identity", async ({
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

      test("a close by either side reaches the other with its code and reason", async ({
        gate,
        origin,
        t,
      }) => {
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

      test("RFC 6455 section 1.9: the origin chooses the subprotocol", async ({
        gate,
        origin,
        t,
      }) => {
        origin.chooseProtocol = (offered) => (offered.has("chat") ? "chat" : false);
        const socket = await connect(t, gate, { protocols: ["superchat", "chat"] });
        assert.equal(socket.protocol, "chat");
        assert.match(origin.expectOne().header("sec-websocket-protocol") ?? "", /superchat.*chat/);
      });

      test("a request without a valid token is not upgraded", async ({ gate, origin }) => {
        const upgrade = (/** @type {string[][]} */ headers) =>
          gate.raw({
            bare: true,
            target: "/api/socket",
            headers: [["Host", gate.host], ["Connection", "Upgrade"], ...UPGRADE, ...headers],
          });
        await assertRefused(await upgrade([]), 401);
        await assertRefused(await upgrade([["Authorization", "Bearer a.b.c"]]), 401, INVALID);
        origin.expectNone();
      });

      test("public and optional routes need no token", async ({ gate, origin, t }) => {
        for (const path of ["/public/socket", "/optional/socket"]) {
          const socket = await connect(t, gate, { path, headers: { "X-Auth-Subject": "admin" } });
          assert.equal(origin.expectOne().header("x-auth-subject"), undefined);
          assert.equal(await echoed(socket, path), path);
        }
      });

      test("the response of an origin that refuses the upgrade is returned", async ({
        gate,
        origin,
        t,
      }) => {
        origin.acceptWebSockets = false;
        const socket = new WebSocket(`${gate.url.replace("http", "ws")}/api/socket`, {
          headers: { Authorization: `Bearer ${hs256Token()}` },
        });
        t.after(() => socket.terminate());
        socket.on("error", () => {});
        const [, response] = await bounded(
          once(socket, "unexpected-response"),
          "a response other than an upgrade",
        );
        assert.equal(response.statusCode, 426);
        origin.expectOne();
      });
    },
  );
}
