// examples/fastapi: an API that verifies tokens itself, and the same API behind the gate. Both run
// under uvicorn.

import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { experimental_readRawConfig } from "wrangler";
import { WebSocket } from "ws";
import { environment, startUvicorn } from "./harness/python.mjs";
import {
  assertProblem,
  assertRefused,
  bounded,
  INVALID,
  repository,
  startGate,
  tokens,
} from "./harness/index.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { Running } from "./harness/running.mjs" */

/** @typedef {RequestInit & {headers?: Record<string, string>}} Init */
/** @typedef {(target: string, bearer?: string, init?: Init) => Promise<Response>} Send */
/** @typedef {Awaited<ReturnType<typeof startUvicorn>>} Api */

const EXAMPLE = path.join(repository, "examples/fastapi");
const HOP_SECRET = "a secret that only the gate and the API know, of 48 bytes or more";

const keys = tokens.rsaKeys();
const strangersKeys = tokens.rsaKeys();

/**
 * Makes a token of the example's issuer.
 *
 * @param {Record<string, unknown>} [changes] claims
 * @param {{privateKey: KeyObject}} [keys]
 */
const token = (changes = {}, { privateKey } = keys) =>
  tokens.token({
    alg: "RS256",
    key: privateKey,
    payload: {
      iss: "https://tenant.example.com/",
      aud: "https://api.example.com",
      sub: "user-1",
      exp: tokens.now() + 600,
      ...changes,
    },
  });

const { interpreter, reason } = await environment(path.join(EXAMPLE, "requirements.txt"));
if (reason) console.log(`skipped: examples/fastapi: ${reason}`);

/**
 * Returns a function that sends requests to the API or to the gate.
 *
 * @param {string} url
 * @returns {Send}
 */
const sendTo =
  (url) =>
  (target, bearer, init = {}) =>
    fetch(new URL(target, url), {
      ...init,
      headers: { ...init.headers, ...(bearer && { Authorization: `Bearer ${bearer}` }) },
    });

const item = {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: '{"name":"lamp"}',
};

/**
 * Asserts that the API responds to valid requests, which is the same in both versions.
 *
 * @param {Send} ask
 */
async function assertServes(ask) {
  const me = await ask("/api/me", token());
  assert.deepEqual([me.status, await me.json()], [200, { subject: "user-1" }]);
  const added = await ask("/api/items", token({ scope: "read write" }), item);
  assert.deepEqual(
    [added.status, await added.json()],
    [200, { item: { name: "lamp" }, added_by: "user-1" }],
  );
}

describe("examples/fastapi", { skip: reason, timeout: 120_000 }, () => {
  describe("before: the API verifies tokens itself", () => {
    /** @type {Api} */
    let api;
    /** @type {Send} */
    let ask;
    before(async () => {
      assert.ok(interpreter);
      const folder = path.join(EXAMPLE, "before");
      api = await startUvicorn({
        interpreter,
        folder,
        environment: { PROVIDER_PUBLIC_KEY: keys.spki },
      });
      ask = sendTo(api.url);
    });
    after(() => api?.stop());

    it("serves requests with valid tokens and refuses all others", async () => {
      await assertServes(ask);
      assert.equal((await ask("/api/items", token({ scope: "read" }), item)).status, 403);
      assert.equal((await ask("/api/me")).status, 401);
      assert.equal((await ask("/api/me", token({}, strangersKeys))).status, 401);
      assert.equal((await ask("/api/me", token({ exp: tokens.now() - 600 }))).status, 401);
      await api.expectRequests([
        "GET /api/me 200",
        "POST /api/items 200",
        "POST /api/items 403",
        "GET /api/me 401",
        "GET /api/me 401",
        "GET /api/me 401",
      ]);
    });
  });

  describe("after: the gate verifies tokens", () => {
    /** @type {Api} */
    let api;
    /** @type {Running} */
    let gate;
    /** @type {Send} */
    let ask;
    before(async () => {
      assert.ok(interpreter);
      const { rawConfig } = experimental_readRawConfig({
        config: path.join(EXAMPLE, "wrangler.toml"),
      });
      api = await startUvicorn({
        interpreter,
        folder: path.join(EXAMPLE, "after"),
        environment: { HOP_SECRET },
      });
      gate = await startGate({
        policy: { ...rawConfig.vars.POLICY, origin: api.url, errors: { detail: "reason" } },
        secrets: { HOP_SECRET, PROVIDER_PUBLIC_KEY: keys.spki },
      });
      ask = sendTo(gate.url);
    });
    after(() => Promise.all([gate?.stop(), api?.stop()]));

    it("serves requests with valid tokens", async () => {
      await assertServes(ask);
      const odd = await ask("/api/me?a=b&c=%2F'", token());
      assert.equal(odd.status, 200);
      await api.expectRequests([
        "GET /api/me 200",
        "POST /api/items 200",
        "GET /api/me?a=b&c=%2F%27 200",
      ]);
    });

    it("opens WebSockets with valid tokens, and none that bypass the gate", async () => {
      const open = (/** @type {string} */ url) =>
        new WebSocket(`${url.replace("http", "ws")}/api/updates`, {
          headers: { Authorization: `Bearer ${token()}` },
        });
      const [message] = await bounded(once(open(gate.url), "message"), "a message");
      assert.deepEqual(JSON.parse(String(message)), { subject: "user-1" });
      const [error] = await bounded(once(open(api.url), "error"), "a refusal");
      assert.match(String(error), /403/);
      assert.equal((await ask("/api/me", token())).status, 200);
      await api.expectRequests(["GET /api/me 200"]);
    });

    it("does not receive requests that the gate refuses", async () => {
      await assertRefused(await ask("/api/me"), 401, {}, { detail: "missing_token" });
      const forged = await ask("/api/me", token({}, strangersKeys));
      await assertRefused(forged, 401, INVALID, { detail: "bad_signature" });
      const narrow = await ask("/api/items", token({ scope: "read" }), item);
      assert.equal(narrow.status, 403);
      assert.match(
        narrow.headers.get("www-authenticate") ?? "",
        /error="insufficient_scope".*scope="write"/,
      );
      await assertProblem(await ask("/docs"), 404, { detail: "no_route" });
      // The API answers requests in order, so its log line for this request would come last.
      assert.equal((await ask("/api/me", token())).status, 200);
      await api.expectRequests(["GET /api/me 200"]);
    });

    it("refuses requests that bypass the gate, with any token or invalid proof", async () => {
      const direct = sendTo(api.url);
      const proof = (/** @type {Record<string, unknown>} */ changes = {}) =>
        tokens.token({
          key: HOP_SECRET,
          header: { typ: "portcullis-proof+jwt" },
          payload: {
            iss: "portcullis",
            aud: api.url,
            sub: "user-1",
            iat: tokens.now(),
            exp: tokens.now() + 60,
            htm: "GET",
            htu: `${api.url}/api/me`,
            ...changes,
          },
        });
      const withProof = (/** @type {string} */ text, target = "/api/me") =>
        direct(target, token(), { headers: { "X-Portcullis-Proof": text } });
      assert.equal(
        (await withProof(proof())).status,
        200,
        "a proof with the right secret is accepted",
      );
      await api.expectRequests(["GET /api/me 200"]);

      const refused = [
        await direct("/api/me"),
        await direct("/api/me", token()),
        await withProof(token()),
        await withProof(proof({ htm: "DELETE" })),
        await withProof(proof({ aud: "https://other.example.com" })),
        await withProof(proof({ exp: tokens.now() - 60 })),
        await withProof(proof({ exp: undefined })),
        await withProof(tokens.withChangedCharacter(proof(), 60)),
        await withProof(proof(), "/api/me?admin=1"),
      ];
      assert.deepEqual(
        refused.map(({ status }) => status),
        refused.map(() => 401),
      );
      assert.equal((await direct("/openapi.json")).status, 404);
      await api.expectRequests([
        ...refused.map(({ url }) => `GET ${url.slice(api.url.length)} 401`),
        "GET /openapi.json 404",
      ]);
    });
  });
});
