// Attacks by way of the keys that the gate fetches: attack rows 4, 5, 24 and 25.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
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

const { claims, hs256, published, publishing } = policies;

providerTest(
  "attack_04_25: a thousand tokens with a thousand made-up kids are one fetch in a cooldown",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), { "401 unknown_key": 1000 });
    await provider.expectFetches([], "in the cooldown of the first fetch");

    await gate.moveClock(COOLDOWN);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), { "401 unknown_key": 1000 });
    await provider.expectFetches([JWKS], "in the next cooldown");

    await provider.fail();
    await gate.moveClock(2 * COOLDOWN);
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), {
      "503 keys_unavailable": 1000,
    });
    await provider.expectFetches([JWKS], "while it is down");
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    assert.equal(failures(gate.logs).length, 1);
  },
);

providerTest(
  "attack_25: while a fetch for made-up kids hangs, tokens by known keys pass as ever",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    await provider.hold();
    await gate.moveClock(COOLDOWN);
    const strange = answersTo(gate, strangers(provider, 50));
    assert.equal(await provider.nextFetch(), JWKS);
    for (let times = 0; times < 20; times += 1) {
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    }
    await provider.recover();
    assert.deepEqual(await strange, { "401 unknown_key": 50 });
    await provider.expectFetches([]);
  },
);

providerTest(
  "attack_04: a kid goes nowhere but into a comparison",
  ({ origin, provider }) => ({
    policy: published({ origin, provider, log: { decisions: "all" } }),
  }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    const key = tokens.rsaKeys();
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
      const made = tokens.token({
        alg: "RS256",
        key: key.privateKey,
        header: { kid },
        payload: claims(),
      });
      await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, {
        detail: "unknown_key",
        why: kid,
      });
      // The one address that the policy names, and nothing of the kid in it.
      await provider.expectFetches([JWKS], kid);
      if (kid.length > 5) assert.ok(!gate.logs.text.includes(kid), `a log shows ${kid}`);
    }
    for (const kid of ["k".repeat(1025), "k".repeat(8000), 1, null, ["rsa-1"], { kid: "rsa-1" }]) {
      const made = tokens.token({
        alg: "RS256",
        key: key.privateKey,
        header: { kid },
        payload: claims(),
      });
      await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, {
        detail: "malformed_token",
      });
    }
  },
);

providerTest(
  "attack_25: a thousand tokens of made-up issuers are no fetch at all",
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
  "attack_05: a token that says where its key is sends nobody there",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, provider, origin }) => {
    const key = tokens.rsaKeys({ kid: "mine" });
    await provider.answerWith({ keys: [key.jwk] }, { path: "/evil" });
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    const payload = claims({ iss: provider.issuer });
    const places = [
      `${provider.issuer}/evil`,
      provider.issuer.replace("http:", ""),
      `http://i@${new URL(provider.issuer).host}/evil`,
      "http://169.254.169.254/latest/meta-data/",
      "file:///etc/passwd",
    ];
    for (const place of places) {
      for (const [header, detail] of [
        [{ jku: place }, "bad_signature"],
        [{ x5u: place, kid: "rsa-1" }, "bad_signature"],
        [{ jku: place, x5u: place, kid: "mine" }, "unknown_key"],
      ]) {
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

const UNUSABLE = {
  "text that is no JSON": { body: "not json" },
  "HTML with status 200": {
    body: "<!doctype html><title>Maintenance</title>",
    headers: { "Content-Type": "text/html" },
  },
  "JSON that breaks off": { body: '{"keys":[{"kty":"RSA"' },
  "a name that stands twice": { body: '{"keys":[],"keys":[]}' },
  nothing: { body: "" },
  "an empty object": { body: {} },
  "an empty set": { body: { keys: [] } },
  "keys that are null": { body: { keys: null } },
  "a set of keys none of which can be used": {
    body: { keys: [{ kty: "oct", k: "c2VjcmV0" }, { kty: "what" }, 1] },
  },
  "a redirect": { body: "", status: 302, headers: { Location: "/elsewhere" } },
  "a redirect to another host": {
    body: "",
    status: 307,
    headers: { Location: "http://169.254.169.254/" },
  },
  "a server error": { body: { keys: [one.jwk] }, status: 500 },
  "a 404 with a good set": { body: { keys: [one.jwk] }, status: 404 },
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
  "attack_24: a refresh that brings nothing usable leaves the good set in use, and is logged once",
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
      assert.equal(logged[index].issuer, "provider");
      assert.ok(logged[index].problem.length > 10, what);
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin, what);
      const [stranger] = strangers(provider, 1);
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
  "attack_24: a good key passes in whatever company it is published",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const other = tokens.rsaKeys();
    const weak = tokens.rsaKeys({ bits: 1024 });
    const secret = "a shared secret that everybody can fetch is none";
    const company = [
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
    await provider.answerWith({ keys: [...company, one.jwk], more: { of: "this" } });
    const made = (key, kid, alg = "RS256") =>
      tokens.token({
        alg,
        key,
        header: kid ? { kid } : {},
        payload: claims({ iss: provider.issuer }),
      });
    await assertAdmitted(await gate.fetchWith(made(one.privateKey, "one"), "/api/items"), origin);
    await assertAdmitted(await gate.fetchWith(made(one.privateKey), "/api/items"), origin);
    // Two keys of one name: both count.
    await assertAdmitted(await gate.fetchWith(made(other.privateKey, "one"), "/api/items"), origin);
    const refused = [
      made(other.privateKey, "encryption"),
      made(other.privateKey, "operation"),
      made(other.privateKey, "algorithm"),
      made(other.privateKey, "private"),
      made(weak.privateKey, "weak"),
    ];
    for (const [index, token] of refused.entries()) {
      const why = `key ${index}`;
      await assertRefused(await gate.fetchWith(token, "/api/items"), 401, INVALID, {
        detail: "unknown_key",
        why,
      });
    }
    const symmetric = made(secret, "secret", "HS256");
    await assertRefused(await gate.fetchWith(symmetric, "/api/items"), 401, INVALID, {
      detail: "algorithm_not_allowed",
    });
    await provider.expectFetches([JWKS]);
  },
);
