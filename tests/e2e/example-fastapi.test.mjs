// examples/fastapi: an API that verifies tokens itself, and the same one behind the gate, both under uvicorn.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { experimental_readRawConfig } from "wrangler";
import { environment, startUvicorn } from "./harness/python.mjs";
import {
  assertProblem,
  assertRefused,
  INVALID,
  repository,
  startGate,
  tokens,
} from "./harness/index.mjs";

const EXAMPLE = path.join(repository, "examples/fastapi");
const HOP_SECRET = "what gate and API share, and nobody else: 48 bytes or so";

const keys = tokens.rsaKeys();
const strangersKeys = tokens.rsaKeys();

/** A token of the example's issuer. */
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
if (reason) console.log(`examples/fastapi is not tried: ${reason}`);

/** A caller: of the API itself, or of the gate. */
const caller =
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

/** What the API answers to good requests, before and after. */
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
    let api, ask;
    before(async () => {
      const folder = path.join(EXAMPLE, "before");
      api = await startUvicorn({
        interpreter,
        folder,
        environment: { PROVIDER_PUBLIC_KEY: keys.spki },
      });
      ask = caller(api.url);
    });
    after(() => api?.stop());

    it("serves whoever has a good token, and refuses everybody else", async () => {
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

  describe("after: the gate verifies them", () => {
    let api, gate, ask;
    before(async () => {
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
      ask = caller(gate.url);
    });
    after(() => Promise.all([gate?.stop(), api?.stop()]));

    it("serves whoever has a good token", async () => {
      await assertServes(ask);
      const odd = await ask("/api/me?a=b&c=%2F'", token());
      assert.equal(odd.status, 200);
      await api.expectRequests([
        "GET /api/me 200",
        "POST /api/items 200",
        "GET /api/me?a=b&c=%2F%27 200",
      ]);
    });

    it("never sees what the gate refuses", async () => {
      await assertRefused(await ask("/api/me"), 401, {}, { detail: "missing_token" });
      const forged = await ask("/api/me", token({}, strangersKeys));
      await assertRefused(forged, 401, INVALID, { detail: "bad_signature" });
      const narrow = await ask("/api/items", token({ scope: "read" }), item);
      assert.equal(narrow.status, 403);
      assert.match(
        narrow.headers.get("www-authenticate"),
        /error="insufficient_scope".*scope="write"/,
      );
      await assertProblem(await ask("/docs"), 404, { detail: "no_route" });
      // It answers one at a time, so that this one's line comes after any of theirs.
      assert.equal((await ask("/api/me", token())).status, 200);
      await api.expectRequests(["GET /api/me 200"]);
    });

    it("refuses what comes around the gate, whatever token or proof it brings", async () => {
      const direct = caller(api.url);
      const proof = (changes) =>
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
      const withProof = (text, target = "/api/me") =>
        direct(target, token(), { headers: { "X-Portcullis-Proof": text } });
      assert.equal(
        (await withProof(proof())).status,
        200,
        "with the secret one can prove anything",
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
