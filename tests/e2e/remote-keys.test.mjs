// Providers that fail: what goes on passing, what is refused and how, and what the provider has to bear meanwhile.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  COOLDOWN,
  failures,
  INVALID,
  JWKS,
  policies,
  providerTest,
  signal,
  STALE,
  tokens,
} from "./harness/index.mjs";

const { claims, hs256, published, publishing } = policies;

/** Past this a set is not used any more: a day of `stale_if_error` after its freshness. */
const GONE = 86_400 + STALE;

/** Tokens that ask for keys nobody has, each for another one. */
const strangers = (provider, count, changes = {}) =>
  [...Array(count).keys()].map(() =>
    tokens.rawToken(
      tokens.base64url(JSON.stringify({ alg: "RS256", kid: randomBytes(12).toString("hex") })),
      tokens.base64url(JSON.stringify(claims({ iss: provider.issuer, ...changes }))),
      tokens.base64url(randomBytes(256)),
    ),
  );

/** Sends them all, a hundred at a time, and counts the answers by what they say. */
async function answersTo(gate, made) {
  const counts = {};
  for (let from = 0; from < made.length; from += 100) {
    await Promise.all(
      made.slice(from, from + 100).map(async (token) => {
        const response = await gate.fetchWith(token, "/api/items");
        const { code } = await response.json();
        counts[`${response.status} ${code}`] = (counts[`${response.status} ${code}`] ?? 0) + 1;
      }),
    );
  }
  return counts;
}

/** 503, and when to come again; never a 401, which would send a client to fetch another token. */
async function assertUnavailable(response) {
  const { header } = await assertProblem(response, 503, { detail: "keys_unavailable" });
  assert.match(header("retry-after"), /^([1-9]|[12][0-9]|30)$/);
  assert.equal(header("www-authenticate"), undefined);
}

for (const [sharing, options, attempts] of [
  ["one isolate", { isolates: 1 }, 1],
  ["two isolates that share a Cache API", { isolates: 2 }, 1],
  ["two isolates that share nothing", { isolates: 2, cacheAPI: false }, 2],
]) {
  providerTest(
    `a provider that is down for an hour: everything passes; ${sharing}: at most ${attempts} attempts in 30 s`,
    ({ origin, provider }) => ({ ...options, policy: published({ origin, provider }) }),
    async ({ gate, origin, provider }) => {
      const token = await provider.token();
      const passEverywhere = async (why) => {
        for (const isolate of gate.isolates) {
          await assertAdmitted(await isolate.fetchWith(token, "/api/items"), origin, why);
        }
      };
      await passEverywhere("at first");
      await provider.expectFetches(Array(attempts).fill(JWKS));
      await provider.fail();
      let failed = 0;
      for (let second = STALE; second < STALE + 3600; second += COOLDOWN) {
        await gate.moveClock(second);
        for (const isolate of gate.isolates) {
          await assertAdmitted(await isolate.fetchWith(token, "/api/items"), origin, `after ${second} seconds`);
          if (failed < attempts * (1 + (second - STALE) / COOLDOWN)) {
            assert.equal(await provider.nextFetch(), JWKS);
            failed += 1;
            await gate.logs.waitFor((book) => failures(book).length === failed);
          }
        }
        // Half-way to the next attempt there is none.
        await gate.moveClock(second + 15);
        await passEverywhere(`after ${second + 15} seconds`);
        await provider.expectFetches([]);
      }
      assert.ok(failed >= 116 * attempts, `${failed} attempts`);

      // It comes back, with other keys.
      await provider.recover();
      await provider.rotate("rsa-2");
      await gate.moveClock(STALE + 3600 + 2 * COOLDOWN);
      const fresh = await provider.token();
      for (const isolate of gate.isolates) await assertAdmitted(await isolate.fetchWith(fresh, "/api/items"), origin);
      await provider.expectFetches(Array(attempts).fill(JWKS));
      assert.equal(failures(gate.logs).length, failed);
    },
  );
}

providerTest(
  "a provider that is down for more than a day: a set that old is used no more, and the next one at once",
  ({ origin, provider }) => ({ policy: published({ origin, provider }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.fail();
    await gate.moveClock(GONE - 60);
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await gate.logs.waitFor((book) => failures(book).length === 1);
    await gate.moveClock(GONE);
    await assertUnavailable(await gate.fetchWith(token, "/api/items"));
    await provider.recover();
    await gate.moveClock(GONE + COOLDOWN);
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS, JWKS, JWKS, JWKS]);
  },
);

providerTest(
  "stale_if_error = 0: a set is used for as long as it is fresh",
  ({ origin, provider }) => ({ policy: published({ origin, provider, issuer: { stale_if_error: 0 } }) }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.fail();
    await gate.moveClock(STALE);
    await assertUnavailable(await gate.fetchWith(token, "/api/items"));
    await provider.expectFetches([JWKS, JWKS]);
  },
);

const DOWN = {
  "breaks every connection": { kind: "reset" },
  "answers 500": { kind: "fixed", status: 500, headers: {}, body: "" },
  "answers 404": { kind: "fixed", status: 404, headers: {}, body: "" },
  "answers a 200 that never ends": { kind: "trickle" },
  "never answers": { kind: "hold" },
};

for (const runtime of ["miniflare", "workerd"]) {
  for (const [how, answer] of Object.entries(DOWN)) {
    providerTest(
      `a provider that ${how} from a cold start is a 503, and when it is back everything is well, in ${runtime}`,
      ({ origin, provider }) => ({ runtime, policy: published({ origin, provider }) }),
      async ({ gate, origin, provider }) => {
        const token = await provider.token();
        await provider.answer(answer);
        await assertUnavailable(await gate.fetchWith(token, "/api/items"));
        // Others do not try again so soon, whatever they ask for.
        await assertUnavailable(await gate.fetchWith(token, "/api/items"));
        for (const stranger of strangers(provider, 3)) {
          await assertUnavailable(await gate.fetchWith(stranger, "/api/items"));
        }
        await provider.expectFetches([JWKS]);
        assert.equal(failures(gate.logs).length, 1);
        await provider.recover();
        await gate.moveClock(COOLDOWN);
        await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
        await provider.expectFetches([JWKS]);
      },
    );
  }
}

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
    assert.deepEqual(await answersTo(gate, strangers(provider, 1000)), { "503 keys_unavailable": 1000 });
    await provider.expectFetches([JWKS], "while it is down");
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    assert.equal(failures(gate.logs).length, 1);
  },
);

providerTest(
  "attack_04: a kid goes nowhere but into a comparison",
  ({ origin, provider }) => ({ policy: published({ origin, provider, log: { decisions: "all" } }) }),
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
      const made = tokens.token({ alg: "RS256", key: key.privateKey, header: { kid }, payload: claims() });
      await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, { detail: "unknown_key", why: kid });
      // The one address that the policy names, and nothing of the kid in it.
      await provider.expectFetches([JWKS], kid);
      if (kid.length > 5) assert.ok(!gate.logs.text.includes(kid), `a log shows ${kid}`);
    }
    for (const kid of ["k".repeat(1025), "k".repeat(8000), 1, null, ["rsa-1"], { kid: "rsa-1" }]) {
      const made = tokens.token({ alg: "RS256", key: key.privateKey, header: { kid }, payload: claims() });
      await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, { detail: "malformed_token" });
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
      strangers(provider, 1, { iss: index % 2 === 0 ? `https://${index}.evil.example/` : `${provider.issuer}/${index}` }),
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
        await assertRefused(await gate.fetchWith(made, "/api/items"), 401, INVALID, { detail, why });
        origin.expectNone();
      }
    }
    await provider.expectFetches([]);
  },
);

const one = tokens.rsaKeys({ kid: "one" });

const UNUSABLE = {
  "text that is no JSON": { body: "not json" },
  "HTML with status 200": { body: "<!doctype html><title>Maintenance</title>", headers: { "Content-Type": "text/html" } },
  "JSON that breaks off": { body: '{"keys":[{"kty":"RSA"' },
  "a name that stands twice": { body: '{"keys":[],"keys":[]}' },
  nothing: { body: "" },
  "an empty object": { body: {} },
  "an empty set": { body: { keys: [] } },
  "keys that are null": { body: { keys: null } },
  "a set of keys none of which can be used": { body: { keys: [{ kty: "oct", k: "c2VjcmV0" }, { kty: "what" }, 1] } },
  "a redirect": { body: "", status: 302, headers: { Location: "/elsewhere" } },
  "a redirect to another host": { body: "", status: 307, headers: { Location: "http://169.254.169.254/" } },
  "a server error": { body: { keys: [one.jwk] }, status: 500 },
  "a 404 with a good set": { body: { keys: [one.jwk] }, status: 404 },
  "a 206": { body: { keys: [one.jwk] }, status: 206 },
  "more than 256 KiB": { body: { keys: [one.jwk], padding: "x".repeat(256 * 1024) } },
  "5 MB": { body: { keys: [one.jwk], padding: "x".repeat(5_000_000) } },
  "a gzip bomb": {
    body: gzipSync(JSON.stringify({ keys: [one.jwk], padding: "x".repeat(50_000_000) })),
    headers: { "Content-Encoding": "gzip" },
  },
  "65 keys": { body: { keys: [...Array(65).keys()].map((index) => ({ ...one.jwk, kid: `k${index}` })) } },
  "10,000 keys": { body: { keys: [...Array(10_000).keys()].map((index) => ({ kty: "oct", kid: `${index}` })) } },
};

providerTest(
  "attack_24: a refresh that brings nothing usable leaves the good set in use, and is logged once",
  ({ origin, provider }) => ({ policy: published({ origin, provider, issuer: { stale_if_error: 604_800 } }) }),
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
      const logged = await gate.logs.waitFor((book) => failures(book).length > index && failures(book));
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
      { kty: "EC", crv: "P-256", kid: "off-curve", x: tokens.base64url(randomBytes(32)), y: tokens.base64url(randomBytes(32)) },
      { kty: "future", kid: "future" },
      { ...other.jwk, kid: "one" },
      null,
      [],
      "one",
    ];
    await provider.answerWith({ keys: [...company, one.jwk], more: { of: "this" } });
    const made = (key, kid, alg = "RS256") =>
      tokens.token({ alg, key, header: kid ? { kid } : {}, payload: claims({ iss: provider.issuer }) });
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
      await assertRefused(await gate.fetchWith(token, "/api/items"), 401, INVALID, { detail: "unknown_key", why });
    }
    const symmetric = made(secret, "secret", "HS256");
    await assertRefused(await gate.fetchWith(symmetric, "/api/items"), 401, INVALID, { detail: "algorithm_not_allowed" });
    await provider.expectFetches([JWKS]);
  },
);

for (const runtime of ["miniflare", "workerd"]) {
  providerTest(
    `two hundred requests at once in a cold isolate are one fetch, and pass, in ${runtime}`,
    ({ origin, provider }) => ({ runtime, policy: published({ origin, provider, log: { decisions: "refused" } }) }),
    async ({ gate, origin, provider }) => {
      const token = await provider.token();
      await provider.hold();
      const sent = [...Array(200).keys()].map(async (index) => {
        const response = await gate.fetchWith(token, `/api/${index}`);
        return `${response.status} ${await response.text()}`;
      });
      assert.equal(await provider.nextFetch(), JWKS);
      // This one is answered after those that were sent before it have begun to wait.
      assert.equal((await gate.fetch("/public/items")).status, 200);
      await provider.recover();
      assert.deepEqual(new Set(await Promise.all(sent)), new Set(["200 the origin answers"]));
      assert.equal(origin.take().length, 201);
      await provider.expectFetches([]);
      assert.equal(gate.logs.text, "");
    },
  );

  providerTest(
    `two hundred requests at once while the provider is down are one attempt, and 503 each, in ${runtime}`,
    ({ origin, provider }) => ({ runtime, policy: published({ origin, provider }) }),
    async ({ gate, provider }) => {
      const token = await provider.token();
      await provider.answerWith("", { status: 500 });
      const counts = await answersTo(gate, Array(200).fill(token));
      assert.deepEqual(counts, { "503 keys_unavailable": 200 });
      await provider.expectFetches([JWKS]);
      assert.equal(failures(gate.logs).length, 1);
    },
  );

  providerTest(
    `a client that leaves while its request fetches takes nobody with it, in ${runtime}`,
    ({ origin, provider }) => ({ runtime, policy: published({ origin, provider }) }),
    async ({ gate, origin, provider }) => {
      const token = await provider.token();
      await provider.hold();
      const leaving = new AbortController();
      const left = signal();
      gate.fetchWith(token, "/api/left", { signal: leaving.signal }).catch(left.resolve);
      assert.equal(await provider.nextFetch(), JWKS);
      const sent = [...Array(20).keys()].map((index) => gate.fetchWith(token, `/api/${index}`));
      assert.equal((await gate.fetch("/public/items")).status, 200);
      leaving.abort();
      await left.promise;
      await provider.recover();
      for (const response of await Promise.all(sent)) assert.equal(response.status, 200);
      const reached = origin.take().map(({ target }) => target);
      assert.equal(reached.filter((target) => target !== "/api/left").length, 21);
      await provider.expectFetches([]);
    },
  );
}

providerTest(
  "two issuers of which one is down: the other is not affected",
  ({ origin, providers: [up, down] }) => ({
    policy: {
      ...published({ origin, provider: up }),
      issuers: [publishing(up, { name: "up" }), publishing(down, { name: "down" })],
    },
  }),
  async ({ gate, origin, providers: [up, down] }) => {
    const [good, lost] = [await up.token(), await down.token()];
    await down.hold();
    const waiting = gate.fetchWith(lost, "/api/items");
    assert.equal(await down.nextFetch(), JWKS);
    await assertAdmitted(await gate.fetchWith(good, "/api/items"), origin, "while the other is waited for");
    await down.fail();
    await assertUnavailable(await waiting);
    await assertAdmitted(await gate.fetchWith(good, "/api/items"), origin, "after the other has failed");
    await up.rotate("rsa-2");
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(await gate.fetchWith(await up.token(), "/api/items"), origin, "after a rotation");
    await assertUnavailable(await gate.fetchWith(lost, "/api/items"));
    await up.expectFetches([JWKS, JWKS]);
    await down.expectFetches([JWKS]);
    // A token by the other's key stays nobody's, whoever it says it is of.
    const [header, payload] = tokens.segments(lost);
    const [, , signature] = tokens.segments(good);
    await assertUnavailable(await gate.fetchWith(tokens.rawToken(header, payload, signature), "/api/items"));
  },
  { providers: 2 },
);
