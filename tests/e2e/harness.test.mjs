// Tests of the harness itself, with small Workers in JavaScript. A test that cannot fail proves
// nothing.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  gateTest,
  JWKS,
  onlyChallenge,
  parseChallenges,
  providerTest,
  scriptWorker,
  startGate,
  startOrigin,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

// Forwards requests as the gate does: with the same method, body and URL, with a header of its own,
// and without following redirects.
const PROXY = scriptWorker(`export default {
  async fetch(request, env) {
    const { POLICY, SECRET } = env;
    const { pathname, origin } = new URL(request.url);
    console.log(JSON.stringify({ saw: pathname, policy: typeof POLICY, secret: SECRET }));
    const url = request.url.replace(origin, POLICY.origin ?? JSON.parse(POLICY).origin);
    const headers = new Headers(request.headers);
    headers.set("X-Forwarded-By", "proxy");
    return fetch(new Request(new Request(url, request), { headers, redirect: "manual" }));
  },
};`);

for (const runtime of ["miniflare", "workerd"]) {
  const options = (/** @type {{origin: Origin}} */ { origin }) => ({
    runtime,
    modules: PROXY,
    policy: { origin: origin.url },
    secrets: { SECRET: "s" },
  });

  withGate(`a Worker in ${runtime}`, options, (test) => {
    test("reaches the recording origin", async ({ gate, origin }) => {
      const response = await gate.fetch("/a/b?c=d", { headers: { "X-One": "1" } });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "the origin answers");
      const seen = origin.expectOne();
      assert.equal(seen.method, "GET");
      assert.equal(seen.target, "/a/b?c=d");
      assert.equal(seen.header("x-one"), "1");
      assert.equal(seen.header("x-forwarded-by"), "proxy");
      origin.expectNone();
    });

    test("has its bindings, and its log is recorded", async ({ gate, origin }) => {
      await gate.fetch("/logged");
      origin.take();
      const line = await gate.logs.waitFor((book) =>
        book.structured.find(({ saw }) => saw === "/logged"),
      );
      assert.deepEqual(line, { saw: "/logged", policy: "object", secret: "s" });
    });

    test("answers requests on a raw socket, with repeated headers", async ({ gate, origin }) => {
      const response = await gate.raw({
        target: "/raw",
        headers: [
          ["X-Two", "a"],
          ["X-Two", "b"],
        ],
      });
      assert.equal(response.status, 200);
      assert.equal(response.text, "the origin answers");
      assert.equal(response.header("x-origin"), "reached");
      assert.deepEqual(origin.expectOne().values("x-two").join(", "), "a, b");
    });

    test("forwards a body, which the origin hashes", async ({ gate, origin }) => {
      const body = Buffer.alloc(1_000_000, "abc");
      await gate.fetch("/body", { method: "POST", body });
      const received = await origin.expectOne().body();
      assert.equal(received.length, body.length);
      assert.equal(received.sha256, createHash("sha256").update(body).digest("hex"));
    });
  });
}

gateTest(
  "a policy given as a string becomes a string binding",
  ({ origin }) => ({ modules: PROXY, policy: JSON.stringify({ origin: origin.url }) }),
  async ({ gate, origin }) => {
    await gate.fetch("/text");
    origin.expectOne();
    assert.ok(
      await gate.logs.waitFor((book) => book.structured.find(({ policy }) => policy === "string")),
    );
  },
);

describe("the recording origin", () => {
  it("reports requests that a test did not expect", async (t) => {
    const origin = await startOrigin();
    t.after(() => origin.stop());
    await (await fetch(`${origin.url}/unexpected`)).text();
    assert.throws(() => origin.expectNone(), /GET \/unexpected/);
    await (await fetch(`${origin.url}/1`)).text();
    await (await fetch(`${origin.url}/2`)).text();
    assert.throws(() => origin.expectOne(), /GET \/1, GET \/2/);
  });

  it("keeps header lines unchanged", async (t) => {
    const origin = await startOrigin();
    t.after(() => origin.stop());
    await fetch(`${origin.url}/`, { headers: [["X-A", "1"]] });
    assert.ok(
      origin.expectOne().headerLines.some(([name, value]) => /^x-a$/i.test(name) && value === "1"),
    );
  });
});

describe("a Worker that cannot start", () => {
  for (const runtime of ["miniflare", "workerd"]) {
    it(`is reported with the output of ${runtime}`, async () => {
      const modules = scriptWorker("export default { fetch( }");
      await assert.rejects(startGate({ runtime, modules }), /SyntaxError/);
    });
  }
});

describe("the parser of challenges (RFC 9110 section 11.6.1)", () => {
  it("reads schemes, parameters, tokens and lists", () => {
    assert.deepEqual(
      parseChallenges('Basic realm="a \\"b\\"", Bearer realm=x, error="e, f", Negotiate YWJj=='),
      [
        { scheme: "basic", token68: undefined, parameters: { realm: 'a "b"' } },
        { scheme: "bearer", token68: undefined, parameters: { realm: "x", error: "e, f" } },
        { scheme: "negotiate", token68: "YWJj==", parameters: {} },
      ],
    );
    // Without a value, `realm=` is a token68.
    assert.deepEqual(onlyChallenge("Bearer realm="), {
      scheme: "bearer",
      token68: "realm=",
      parameters: {},
    });
    assert.deepEqual(onlyChallenge("Bearer"), {
      scheme: "bearer",
      token68: undefined,
      parameters: {},
    });
  });

  it("rejects what the grammar does not allow", () => {
    const broken = [
      "",
      'Bearer "a"',
      'Bearer realm="a',
      'Bearer realm="a" error="b"',
      "Bearer realm=é",
      'Bearer realm="a", realm="b"',
      'Bearer realm="a\r\nb"',
      ': "x"',
    ];
    for (const text of broken) assert.throws(() => parseChallenges(text), SyntaxError, text);
  });
});

describe("tokens", () => {
  it("have the HS256 signature of RFC 7515 appendix A.1", () => {
    const key = Buffer.from(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      "base64url",
    );
    const header = '{"typ":"JWT",\r\n "alg":"HS256"}';
    const payload = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}';
    const made = tokens.token({ alg: "HS256", key, header, payload });
    assert.equal(tokens.segments(made)[2], "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  });

  it("decode to different bytes after one character is changed", () => {
    const text = tokens.base64url(Buffer.from("some bytes"));
    for (let i = 0; i < text.length; i += 1) {
      const changed = tokens.withChangedCharacter(text, i);
      assert.equal(changed.length, text.length);
      assert.notDeepEqual(Buffer.from(changed, "base64url"), Buffer.from(text, "base64url"));
    }
  });
});

// Responds with its time, the number of its requests, and the content of the shared cache.
const REPORTER = scriptWorker(`let requests = 0;
export default {
  async fetch(request, env) {
    requests += 1;
    const { pathname } = new URL(request.url);
    if (pathname === "/fetch") return fetch(env.POLICY.jwks);
    const entry = "https://cache.example/entry";
    if (pathname === "/put") {
      const headers = { "Cache-Control": "max-age=60" };
      await caches.default.put(entry, new Response("put", { headers }));
    }
    const found = await caches.default.match(entry);
    return Response.json({ now: Date.now(), requests, found: found ? await found.text() : null });
  }
};`);

providerTest(
  "the clock can be moved in isolates that share only a cache",
  () => ({ modules: REPORTER, isolates: 3 }),
  async ({ gate }) => {
    const ask = async (/** @type {Running} */ isolate, path = "/") =>
      (await isolate.fetch(path)).json();
    const [first, second, third] = gate.isolates;
    assert.equal(gate.isolates.length, 3);
    assert.ok(second && third);
    assert.equal(first, gate);
    assert.ok(Math.abs((await ask(second)).now - Date.now()) < 60_000);
    await gate.moveClock(7200);
    for (const isolate of gate.isolates) {
      const { now, found } = await ask(isolate);
      assert.ok(now - Date.now() > 7_100_000 && now - Date.now() < 7_300_000);
      assert.equal(found, null);
    }
    await ask(second, "/put");
    const reports = await Promise.all([ask(first), ask(second), ask(third)]);
    assert.deepEqual(
      reports.map(({ requests, found }) => [requests, found]),
      [
        [2, "put"],
        [4, "put"],
        [2, "put"],
      ],
    );
  },
);

providerTest(
  "a provider counts fetches and fails on command",
  ({ provider }) => ({ modules: REPORTER, policy: { jwks: provider.jwksUri } }),
  async ({ gate, provider }) => {
    const fetched = async () => {
      const response = await gate.fetch("/fetch");
      return { status: response.status, text: await response.text() };
    };
    /** @returns {Promise<string[]>} */
    const kids = async () =>
      JSON.parse((await fetched()).text).keys.map((/** @type {{kid: string}} */ { kid }) => kid);
    assert.deepEqual(await kids(), ["rsa-1", "ec-1", "ed-1"]);
    await provider.expectFetches([JWKS]);
    await provider.keys([
      { kid: "rsa-2", alg: "RS256" },
      { kid: "rsa-1", alg: "RS256" },
    ]);
    assert.deepEqual(await kids(), ["rsa-2", "rsa-1"]);
    const [header] = tokens.segments(await provider.token());
    assert.deepEqual(JSON.parse(Buffer.from(header, "base64url").toString()), {
      alg: "RS256",
      typ: "at+jwt",
      kid: "rsa-2",
    });
    await provider.expectFetches([JWKS]);

    await provider.fail();
    assert.equal((await fetched()).status, 500);
    await provider.answerWith(
      { keys: [] },
      { status: 203, headers: { "Cache-Control": "max-age=1" } },
    );
    assert.deepEqual(await fetched(), { status: 203, text: '{"keys":[]}' });
    await provider.expectFetches([JWKS, JWKS]);
    await provider.answer({ kind: "hold" });
    const held = fetched();
    assert.equal(await provider.nextFetch(), JWKS);
    await provider.recover();
    assert.equal((await held).status, 200);
    await assert.rejects(provider.expectFetches([JWKS]));
  },
);
