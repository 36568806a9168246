// Identity providers that fail: which requests are still admitted, how others are refused, and how
// often the gate tries to fetch keys.

import assert from "node:assert/strict";
import {
  answersTo,
  assertAdmitted,
  assertUnavailable,
  COOLDOWN,
  failures,
  JWKS,
  policies,
  providerTest,
  signal,
  STALE,
  strangers,
  tokens,
} from "./harness/index.mjs";

/** @import { Answer } from "./fixtures/provider/front.mjs" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Provider } from "./harness/provider.mjs" */

const { KEY_CACHE, published, publishing } = policies;

/** After this many seconds, a key set is no longer used: it has been stale for `stale_if_error`. */
const GONE = 86_400 + STALE;

/** @type {[sharing: string, options: GateOptions, attempts: number][]} */
const SHARING = [
  ["one isolate", { isolates: 1 }, 1],
  ["two isolates that share keys", { isolates: 2 }, 1],
  ["two isolates that share nothing", { isolates: 2, cacheAPI: false }, 2],
];

for (const [sharing, options, attempts] of SHARING) {
  const limit = attempts === 1 ? "one attempt" : `${attempts} attempts`;
  providerTest(
    `admits requests while the provider is down for an hour, with ${limit} per 30 s: ${sharing}`,
    ({ origin, provider }) => ({
      ...options,
      secrets: KEY_CACHE.secrets,
      policy: published({ origin, provider, ...KEY_CACHE.policy }),
    }),
    async ({ gate, origin, provider }) => {
      const token = await provider.token();
      const passEverywhere = async (/** @type {string} */ why) => {
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
          await assertAdmitted(
            await isolate.fetchWith(token, "/api/items"),
            origin,
            `after ${second} seconds`,
          );
          if (failed < attempts * (1 + (second - STALE) / COOLDOWN)) {
            assert.equal(await provider.nextFetch(), JWKS);
            failed += 1;
            await gate.logs.waitFor((book) => failures(book).length === failed);
          }
        }
        // There is no attempt before the cooldown has passed.
        await gate.moveClock(second + 15);
        await passEverywhere(`after ${second + 15} seconds`);
        await provider.expectFetches([]);
      }
      assert.ok(failed >= 116 * attempts, `${failed} attempts`);

      // The provider recovers and has new keys.
      await provider.recover();
      await provider.rotate("rsa-2");
      await gate.moveClock(STALE + 3600 + 2 * COOLDOWN);
      const fresh = await provider.token();
      for (const isolate of gate.isolates)
        await assertAdmitted(await isolate.fetchWith(fresh, "/api/items"), origin);
      await provider.expectFetches(Array(attempts).fill(JWKS));
      assert.equal(failures(gate.logs).length, failed);
    },
  );
}

providerTest(
  "after a day without the provider, requests get 503 until a key set can be fetched",
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
  "with stale_if_error = 0, a stale key set is not used",
  ({ origin, provider }) => ({
    policy: published({ origin, provider, issuer: { stale_if_error: 0 } }),
  }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.fail();
    await gate.moveClock(STALE);
    await assertUnavailable(await gate.fetchWith(token, "/api/items"));
    await provider.expectFetches([JWKS, JWKS]);
  },
);

/** @type {Record<string, Answer>} */
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
      `a new isolate answers 503 while the provider ${how}, and recovers, in ${runtime}`,
      ({ origin, provider }) => ({ runtime, policy: published({ origin, provider }) }),
      async ({ gate, origin, provider }) => {
        const token = await provider.token();
        await provider.answer(answer);
        await assertUnavailable(await gate.fetchWith(token, "/api/items"));
        // No request causes another attempt before the cooldown has passed, whichever key it needs.
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

for (const runtime of ["miniflare", "workerd"]) {
  providerTest(
    `two hundred concurrent requests to a new isolate share one fetch in ${runtime}`,
    ({ origin, provider }) => ({
      runtime,
      policy: published({ origin, provider, log: { decisions: "refused" } }),
    }),
    async ({ gate, origin, provider }) => {
      const token = await provider.token();
      await provider.hold();
      const sent = [...Array(200).keys()].map(async (index) => {
        const response = await gate.fetchWith(token, `/api/${index}`);
        return `${response.status} ${await response.text()}`;
      });
      assert.equal(await provider.nextFetch(), JWKS);
      // When this response arrives, the requests that were sent before it are waiting for the keys.
      assert.equal((await gate.fetch("/public/items")).status, 200);
      await provider.recover();
      assert.deepEqual(new Set(await Promise.all(sent)), new Set(["200 the origin answers"]));
      assert.equal(origin.take().length, 201);
      await provider.expectFetches([]);
      assert.equal(gate.logs.text, "");
    },
  );

  providerTest(
    `two hundred concurrent requests share one failed attempt and get 503 in ${runtime}`,
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
    `a client that disconnects while keys are fetched does not affect others in ${runtime}`,
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

/** @param {Provider[]} providers exactly two */
const pair = (providers) => /** @type {[Provider, Provider]} */ (providers);

providerTest(
  "a provider that is down does not affect tokens of another issuer",
  ({ origin, providers }) => {
    const [up, down] = pair(providers);
    return {
      policy: {
        ...published({ origin, provider: up }),
        issuers: [publishing(up, { name: "up" }), publishing(down, { name: "down" })],
      },
    };
  },
  async ({ gate, origin, providers }) => {
    const [up, down] = pair(providers);
    const [good, lost] = [await up.token(), await down.token()];
    await down.hold();
    const waiting = gate.fetchWith(lost, "/api/items");
    assert.equal(await down.nextFetch(), JWKS);
    await assertAdmitted(
      await gate.fetchWith(good, "/api/items"),
      origin,
      "while the other fetch is pending",
    );
    await down.fail();
    await assertUnavailable(await waiting);
    await assertAdmitted(
      await gate.fetchWith(good, "/api/items"),
      origin,
      "after the other fetch has failed",
    );
    await up.rotate("rsa-2");
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(
      await gate.fetchWith(await up.token(), "/api/items"),
      origin,
      "after a rotation",
    );
    await assertUnavailable(await gate.fetchWith(lost, "/api/items"));
    await up.expectFetches([JWKS, JWKS]);
    await down.expectFetches([JWKS]);
    // A token that names the failing issuer is not verified with the other issuer's keys.
    const [header, payload] = tokens.segments(lost);
    const [, , signature] = tokens.segments(good);
    await assertUnavailable(
      await gate.fetchWith(tokens.rawToken(header, payload, signature), "/api/items"),
    );
  },
  { providers: 2 },
);
