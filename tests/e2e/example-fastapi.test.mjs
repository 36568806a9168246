// examples/fastapi: an API that verifies tokens itself, and the same API behind the gate, where it
// verifies the identity that the gate signs. examples/hop-proof: an API that verifies the hop
// proof. All of them run under uvicorn.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
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
/** @import { AddressInfo } from "node:net" */
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

  describe("after: the gate verifies tokens and signs an identity", () => {
    /** @type {Api} */
    let api;
    /** @type {Running} */
    let gate;
    /** @type {Send} */
    let ask;
    /** The gate's public address, from which the API fetches the key set. */
    const front = createServer((request, response) => {
      fetch(new URL(request.url ?? "", gate.url)).then(
        async (answer) => {
          response.writeHead(answer.status, { "content-type": "application/json" });
          response.end(await answer.text());
        },
        () => response.writeHead(502).end(),
      );
    });
    const pkcs8 = (/** @type {KeyObject} */ key) =>
      String(key.export({ type: "pkcs8", format: "pem" }));
    const first = generateKeyPairSync("ed25519").privateKey;
    const second = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const audience = "https://items.internal.example";
    let issuer = "";

    /** @param {string[]} key */
    const deploy = (key) => {
      const { rawConfig } = experimental_readRawConfig({
        config: path.join(EXAMPLE, "wrangler.toml"),
      });
      const { forward, ...policy } = rawConfig.vars.POLICY;
      assert.equal(forward.identity.audience, audience);
      return startGate({
        policy: {
          ...policy,
          origin: api.url,
          forward: { identity: { ...forward.identity, issuer, key } },
          errors: { detail: "reason" },
        },
        secrets: {
          PROVIDER_PUBLIC_KEY: keys.spki,
          IDENTITY_KEY: pkcs8(first),
          NEXT_KEY: pkcs8(second),
        },
      });
    };
    before(async () => {
      assert.ok(interpreter);
      front.listen(0, "127.0.0.1");
      await once(front, "listening");
      issuer = `http://127.0.0.1:${/** @type {AddressInfo} */ (front.address()).port}`;
      const folder = path.join(EXAMPLE, "after");
      api = await startUvicorn({ interpreter, folder, environment: { GATE: issuer } });
      // The first step of a rotation: the next key is published, and does not sign yet.
      gate = await deploy(["IDENTITY_KEY", "NEXT_KEY"]);
      ask = sendTo(gate.url);
    });
    after(async () => {
      front.close();
      front.closeAllConnections();
      await Promise.all([gate?.stop(), api?.stop()]);
    });

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

    it("refuses requests that bypass the gate, with any token or invalid identity", async () => {
      const direct = sendTo(api.url);
      const { keys: published } = /** @type {{keys: {kid: string}[]}} */ (
        await (await fetch(`${issuer}/.well-known/jwks.json`)).json()
      );
      const kid = published[0]?.kid;
      const identity = (
        /** @type {Record<string, unknown>} */ changes = {},
        /** @type {Record<string, unknown>} */ header = {},
        key = first,
      ) =>
        tokens.token({
          alg: "EdDSA",
          key,
          header: { kid, typ: "at+jwt", ...header },
          payload: {
            iss: issuer,
            aud: audience,
            sub: "user-1",
            exp: tokens.now() + 60,
            ...changes,
          },
        });
      assert.equal((await direct("/api/me", identity())).status, 200, "as the gate signs");
      await api.expectRequests(["GET /api/me 200"]);
      const stranger = generateKeyPairSync("ed25519").privateKey;
      const forged = [
        undefined,
        token(),
        "a.b.c",
        identity({}, {}, stranger),
        identity({}, { kid: "unknown" }),
        identity({}, { typ: "JWT" }),
        identity({ exp: tokens.now() - 60 }),
        identity({ exp: undefined }),
        identity({ sub: undefined }),
        identity({ aud: "https://other.example" }),
        identity({ iss: "https://tenant.example.com/" }),
        tokens.withChangedCharacter(identity(), 100),
        tokens.token({ key: JSON.stringify(published[0]), header: { kid, typ: "at+jwt" } }),
      ];
      for (const one of forged) assert.equal((await direct("/api/me", one)).status, 401, one);
      assert.equal((await direct("/openapi.json")).status, 404);
      await api.expectRequests([...forged.map(() => "GET /api/me 401"), "GET /openapi.json 404"]);
    });

    it("serves requests during and after a rotation of the gate's key", async () => {
      const previous = gate;
      const next = await deploy(["NEXT_KEY", "IDENTITY_KEY"]);
      try {
        gate = next;
        for (const send of [sendTo(next.url), ask, sendTo(next.url), ask])
          assert.equal((await send("/api/me", token())).status, 200);
        await api.expectRequests([...Array(4)].map(() => "GET /api/me 200"));
      } finally {
        gate = previous;
        await next.stop();
      }
    });
  });
});

describe("examples/hop-proof", { skip: reason, timeout: 120_000 }, () => {
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
      folder: path.join(repository, "examples/hop-proof"),
      environment: { HOP_SECRET },
    });
    gate = await startGate({
      policy: {
        ...rawConfig.vars.POLICY,
        origin: api.url,
        forward: { authorization: "strip", proof: { secret: "HOP_SECRET" } },
      },
      secrets: { HOP_SECRET, PROVIDER_PUBLIC_KEY: keys.spki },
    });
    ask = sendTo(gate.url);
  });
  after(() => Promise.all([gate?.stop(), api?.stop()]));

  it("serves requests and WebSockets that come through the gate", async () => {
    const odd = await ask("/api/me?a=b&c=%2F'", token());
    assert.deepEqual([odd.status, await odd.json()], [200, { subject: "user-1" }]);
    const open = (/** @type {string} */ url) =>
      new WebSocket(`${url.replace("http", "ws")}/api/updates`, {
        headers: { Authorization: `Bearer ${token()}` },
      });
    const [message] = await bounded(once(open(gate.url), "message"), "a message");
    assert.deepEqual(JSON.parse(String(message)), { subject: "user-1" });
    const [error] = await bounded(once(open(api.url), "error"), "a refusal");
    assert.match(String(error), /403/);
    await api.expectRequests(["GET /api/me?a=b&c=%2F%27 200"]);
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
