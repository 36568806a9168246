// Attacks on the keys that the gate fetches.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Response as WorkerResponse } from "miniflare";
import {
  answersTo,
  assertAdmitted,
  assertRefused,
  assertUnavailable,
  COOLDOWN,
  failures,
  INVALID,
  JWKS,
  policies,
  providerTest,
  STALE,
  strangers,
  tokens,
} from "./harness/index.mjs";

/** @import { SigningKey } from "./harness/tokens.mjs" */

const { claims, hs256, KEY_CACHE, published, publishing } = policies;

providerTest(
  "attack 04, 25: a thousand tokens with made-up kids cause one fetch per cooldown",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), { "401 unknown_key": 1000 });
    await provider.expectFetches([], "during the cooldown of the first fetch");

    await gate.moveClock(COOLDOWN);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), { "401 unknown_key": 1000 });
    await provider.expectFetches([JWKS], "in the next cooldown");

    await provider.fail();
    await gate.moveClock(2 * COOLDOWN);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), {
      "503 keys_unavailable": 1000,
    });
    await provider.expectFetches([JWKS], "while the provider is down");
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    assert.equal(failures(gate.logs).length, 1);
  },
);

providerTest(
  "attack 25: tokens with known keys are admitted while a fetch for made-up kids is pending",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    await provider.hold();
    await gate.moveClock(COOLDOWN);
    const pending = answersTo(gate, strangers(provider, 50));
    assert.equal(await provider.nextFetch(), JWKS);
    for (let times = 0; times < 20; times += 1) {
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    }
    await provider.recover();
    assert.deepEqual(await pending, { "401 unknown_key": 50 });
    await provider.expectFetches([]);
  },
);

providerTest(
  "attack 04: a kid is only compared with the IDs of keys",
  ({ origin, provider }) => ({
    policy: published({ origin, provider, log: { decisions: "all" } }),
  }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    const key = tokens.rsaKeys().privateKey;
    const withKid = (/** @type {unknown} */ kid) =>
      tokens.token({ alg: "RS256", key, header: { kid }, payload: claims() });
    const kids = [
      "../../../../dev/null",
      "/dev/null",
      "' UNION SELECT 'k",
      "key|/bin/id",
      "",
      "__proto__",
      "constructor",
      "\u0000",
      "rsa-1\u0000",
      "\r\ninjected: line",
      "https://evil.example/jwks",
      "k".repeat(1024),
    ];
    for (const [index, kid] of kids.entries()) {
      await gate.moveClock((index + 1) * COOLDOWN);
      await assertRefused(await gate.fetchWith(withKid(kid), "/api/items"), 401, INVALID, {
        detail: "unknown_key",
        why: kid,
      });
      // The gate fetches only the URL from the policy.
      await provider.expectFetches([JWKS], kid);
      if (kid.length > 5) assert.ok(!gate.logs.text.includes(kid), `the log contains ${kid}`);
    }
    for (const kid of ["k".repeat(1025), "k".repeat(8000), 1, null, ["rsa-1"], { kid: "rsa-1" }]) {
      await assertRefused(await gate.fetchWith(withKid(kid), "/api/items"), 401, INVALID, {
        detail: "malformed_token",
      });
    }
  },
);

providerTest(
  "attack 25: a thousand tokens of made-up issuers cause no fetch",
  ({ origin, provider }) => {
    const base = hs256({ origin, errors: { detail: "reason" }, log: { decisions: "none" } });
    return {
      policy: { ...base, issuers: [...base.issuers, publishing(provider)] },
      secrets: { SECRET: policies.SECRET },
    };
  },
  async ({ gate, provider }) => {
    const made = [...Array(1000).keys()].flatMap((index) =>
      strangers(provider, 1, {
        iss: index % 2 === 0 ? `https://${index}.evil.example/` : `${provider.issuer}/${index}`,
      }),
    );
    assert.deepEqual(await answersTo(gate, made), { "401 unknown_issuer": 1000 });
    await provider.expectFetches([]);
  },
);

providerTest(
  "attack 05: the gate does not fetch keys from URLs in a token",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, provider, origin }) => {
    const key = tokens.rsaKeys({ kid: "mine" });
    await provider.answerWith({ keys: [key.jwk] }, { path: "/evil" });
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    const payload = claims({ iss: provider.issuer });
    const urls = [
      `${provider.issuer}/evil`,
      provider.issuer.replace("http:", ""),
      `http://i@${new URL(provider.issuer).host}/evil`,
      "http://169.254.169.254/latest/meta-data/",
      "file:///etc/passwd",
    ];
    for (const url of urls) {
      for (const [header, detail] of /** @type {const} */ ([
        [{ jku: url }, "bad_signature"],
        [{ x5u: url, kid: "rsa-1" }, "bad_signature"],
        [{ jku: url, x5u: url, kid: "mine" }, "unknown_key"],
      ])) {
        const made = tokens.token({ alg: "RS256", key: key.privateKey, header, payload });
        const why = JSON.stringify(header);
        await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, {
          detail,
          why,
        });
        origin.expectNone();
      }
    }
    await provider.expectFetches([]);
  },
);

const one = tokens.rsaKeys({ kid: "one" });

/**
 * Responses to a request for keys that contain no usable key set.
 *
 * @typedef {object} Unusable
 * @property {object | string | Uint8Array} body
 * @property {number} [status]
 * @property {Record<string, string>} [headers]
 */
/** @type {Record<string, Unusable>} */
const UNUSABLE = {
  "text that is not JSON": { body: "not json" },
  "HTML with status 200": {
    body: "<!doctype html><title>Maintenance</title>",
    headers: { "Content-Type": "text/html" },
  },
  "truncated JSON": { body: '{"keys":[{"kty":"RSA"' },
  "a repeated name": { body: '{"keys":[],"keys":[]}' },
  "an empty body": { body: "" },
  "an empty object": { body: {} },
  "an empty set": { body: { keys: [] } },
  "keys that are null": { body: { keys: null } },
  "a set without a usable key": {
    body: { keys: [{ kty: "oct", k: "c2VjcmV0" }, { kty: "what" }, 1] },
  },
  "a redirect": { body: "", status: 302, headers: { Location: "/elsewhere" } },
  "a redirect to another host": {
    body: "",
    status: 307,
    headers: { Location: "http://169.254.169.254/" },
  },
  "a server error": { body: { keys: [one.jwk] }, status: 500 },
  "a 404 with a valid set": { body: { keys: [one.jwk] }, status: 404 },
  "a 206": { body: { keys: [one.jwk] }, status: 206 },
  "more than 256 KiB": { body: { keys: [one.jwk], padding: "x".repeat(256 * 1024) } },
  "5 MB": { body: { keys: [one.jwk], padding: "x".repeat(5_000_000) } },
  "a gzip bomb": {
    body: gzipSync(JSON.stringify({ keys: [one.jwk], padding: "x".repeat(50_000_000) })),
    headers: { "Content-Encoding": "gzip" },
  },
  "65 keys": {
    body: { keys: [...Array(65).keys()].map((index) => ({ ...one.jwk, kid: `k${index}` })) },
  },
  "10,000 keys": {
    body: { keys: [...Array(10_000).keys()].map((index) => ({ kty: "oct", kid: `${index}` })) },
  },
};

providerTest(
  "attack 24: an unusable response is logged once, and the last key set stays in use",
  ({ origin, provider }) => ({
    policy: published({ origin, provider, issuer: { stale_if_error: 604_800 } }),
  }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    let second = STALE;
    for (const [index, [what, { body, ...rest }]] of Object.entries(UNUSABLE).entries()) {
      await provider.answerWith(body, rest);
      await gate.moveClock(second);
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin, what);
      assert.equal(await provider.nextFetch(), JWKS, what);
      const logged = await gate.logs.waitFor(
        (book) => failures(book).length > index && failures(book),
      );
      assert.equal(logged.length, index + 1, what);
      assert.equal(logged[index]?.issuer, "provider");
      assert.ok(String(logged[index]?.problem).length > 10, what);
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin, what);
      const [stranger = ""] = strangers(provider, 1);
      await assertUnavailable(await gate.fetchWith(stranger, "/api/items"));
      await provider.expectFetches([], what);
      second += COOLDOWN;
    }
    await provider.recover();
    await gate.moveClock(second);
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    assert.equal(await provider.nextFetch(), JWKS);
    assert.equal(failures(gate.logs).length, Object.keys(UNUSABLE).length);
  },
);

providerTest(
  "attack 24: valid keys are used beside invalid ones in the same set",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const other = tokens.rsaKeys();
    const weak = tokens.rsaKeys({ bits: 1024 });
    const secret = "a shared secret that anyone can fetch from the provider";
    const others = [
      { ...other.jwk, kid: "encryption", use: "enc" },
      { ...other.jwk, kid: "operation", key_ops: ["sign"] },
      { ...other.jwk, kid: "algorithm", alg: "PS256" },
      { ...other.privateKey.export({ format: "jwk" }), kid: "private" },
      { ...weak.jwk, kid: "weak" },
      { kty: "oct", kid: "secret", k: tokens.base64url(secret), alg: "HS256" },
      {
        kty: "EC",
        crv: "P-256",
        kid: "off-curve",
        x: tokens.base64url(randomBytes(32)),
        y: tokens.base64url(randomBytes(32)),
      },
      { kty: "future", kid: "future" },
      { ...other.jwk, kid: "one" },
      null,
      [],
      "one",
    ];
    await provider.answerWith({ keys: [...others, one.jwk], more: { of: "this" } });
    /**
     * @param {SigningKey} key
     * @param {string} [kid]
     * @param {string} [alg]
     */
    const signed = (key, kid, alg = "RS256") =>
      tokens.token({
        alg,
        key,
        header: kid ? { kid } : {},
        payload: claims({ iss: provider.issuer }),
      });
    await assertAdmitted(await gate.fetchWith(signed(one.privateKey, "one"), "/api/items"), origin);
    await assertAdmitted(await gate.fetchWith(signed(one.privateKey), "/api/items"), origin);
    // Two keys have the same ID, and both are tried.
    await assertAdmitted(
      await gate.fetchWith(signed(other.privateKey, "one"), "/api/items"),
      origin,
    );
    const refused = [
      signed(other.privateKey, "encryption"),
      signed(other.privateKey, "operation"),
      signed(other.privateKey, "algorithm"),
      signed(other.privateKey, "private"),
      signed(weak.privateKey, "weak"),
    ];
    for (const [index, token] of refused.entries()) {
      const why = `key ${index}`;
      await assertRefused(await gate.fetchWith(token, "/api/items"), 401, INVALID, {
        detail: "unknown_key",
        why,
      });
    }
    const symmetric = signed(secret, "secret", "HS256");
    await assertRefused(await gate.fetchWith(symmetric, "/api/items"), 401, INVALID, {
      detail: "algorithm_not_allowed",
    });
    await provider.expectFetches([JWKS]);
  },
);

providerTest(
  "attack 38: keys that another Worker plants in the Cache API verify no token",
  ({ origin, provider }) => ({
    isolates: 4,
    secrets: KEY_CACHE.secrets,
    policy: published({ origin, provider, ...KEY_CACHE.policy }),
  }),
  async ({ gate, origin, provider }) => {
    const [first, ...others] = gate.isolates;
    const token = await provider.token();
    await assertAdmitted(await first.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);

    // Another Worker of the zone can compute this URL, read the entry, and replace it.
    const source = JSON.stringify([provider.jwksUri, null]);
    const digest = createHash("sha256").update(source).digest("base64url");
    const url = `https://portcullis.invalid/keys/${digest}/set`;
    const cache = await (await gate.miniflare.getCaches()).open("portcullis");
    const entry = await (await cache.match(url))?.text();
    assert.ok(entry, "the gate has shared no entry");
    const [tag, members] = /** @type {[string, string]} */ (entry.split("\n"));

    const { privateKey: key, publicKey } = tokens.rsaKeys();
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "planted", alg: "RS256" };
    const document = JSON.stringify({ keys: [jwk] });
    const planted = JSON.stringify({ ...JSON.parse(members), document });
    const forged = tokens.token({
      alg: "RS256",
      key,
      header: { kid: "planted" },
      payload: claims({ iss: provider.issuer }),
    });
    const entries = [planted, `${tag}\n${planted}`, `${"A".repeat(43)}\n${planted}`];
    for (const [index, body] of entries.entries()) {
      const headers = { "Cache-Control": "max-age=3600" };
      await cache.put(url, new WorkerResponse(body, { headers }));
      const isolate = others[index];
      assert.ok(isolate);
      await assertRefused(await isolate.fetchWith(forged, "/api/items"), 401, INVALID, {
        detail: "unknown_key",
      });
      await assertAdmitted(await isolate.fetchWith(token, "/api/items"), origin);
      await provider.expectFetches([JWKS], "the isolate fetches the keys itself");
    }
  },
);
