// Opaque tokens of a real identity provider, which the gate introspects: which tokens are admitted,
// how the gate authenticates, and how often it calls the endpoint.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { Canaries, decisions, told } from "./harness/canaries.mjs";
import {
  answersTo,
  assertAdmitted,
  assertProblem,
  assertRefused,
  INTROSPECTION,
  introspecting,
  INVALID,
  JWKS,
  keysOf,
  METADATA,
  OPAQUE_AUDIENCE,
  policies,
  providerTest,
  resident,
  startGate,
  startOrigin,
  startProvider,
} from "./harness/index.mjs";

/** @import { Answer } from "./fixtures/provider/front.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const PATH = "/api/items";

const SECRETS = new Canaries();

const inactive = (/** @type {Response} */ response) =>
  assertRefused(response, 401, INVALID, { detail: "inactive_token" });

/** @param {Response} response */
async function unavailable(response) {
  const { header } = await assertProblem(response, 503, { detail: "introspection_unavailable" });
  assert.match(header("retry-after") ?? "", /^([1-9]|[12][0-9]|30)$/);
  assert.equal(header("www-authenticate"), undefined);
}

const failures = (/** @type {Running} */ gate) =>
  gate.logs.structured.filter(({ event }) => event === "introspection_failed");

for (const runtime of ["miniflare", "workerd"]) {
  providerTest(
    `admits an opaque token of a real provider and calls the endpoint that the policy names, in ${runtime}`,
    (site) => ({ runtime, ...introspecting({ ...site, log: { decisions: "all" } }) }),
    async ({ gate, origin, provider }) => {
      const token = await provider.opaqueToken();
      for (const cache of ["miss", "hit"]) {
        const seen = await assertAdmitted(await gate.fetchWith(token, PATH), origin, cache);
        assert.equal(seen.header("x-auth-scope"), "read");
        const line = decisions(gate.logs).at(-1);
        assert.deepEqual(
          [line?.credential, line?.cache, line?.issuer, line?.alg, line?.key],
          ["opaque", cache, "provider", null, null],
        );
      }
      await provider.expectFetches([INTROSPECTION]);
      await inactive(await gate.fetchWith(`${token}x`, PATH));
      await inactive(await gate.fetchWith(`${token}x`, PATH));
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

providerTest(
  "discovers the endpoint in the issuer's metadata",
  (site) => introspecting({ ...site, introspection: { discovery: true } }),
  async ({ gate, origin, provider }) => {
    const made = await Promise.all([...Array(20).keys()].map(() => provider.opaqueToken()));
    const responses = await Promise.all(made.map((token) => gate.fetchWith(token, PATH)));
    assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
    assert.equal(origin.take().length, 20);
    const fetched = await provider.fetches();
    assert.deepEqual(
      fetched.filter((path) => path === METADATA),
      [METADATA],
    );
    assert.equal(fetched.filter((path) => path === INTROSPECTION).length, 20);
    assert.equal(fetched.length, 21);
  },
);

providerTest(
  "authenticates with client_secret_post",
  (site) => introspecting({ ...site, introspection: { client_id: "gate-post", auth: "post" } }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.opaqueToken(), PATH), origin);
    await provider.expectFetches([INTROSPECTION]);
  },
);

for (const alg of /** @type {const} */ (["ES256", "EdDSA"])) {
  it(`RFC 7523: authenticates with private_key_jwt and ${alg}`, async () => {
    const [origin, provider] = await Promise.all([startOrigin(), startProvider()]);
    const own = introspecting({
      origin,
      provider,
      providers: [],
      introspection: { client_id: `gate-${alg}`, private_key: "GATE_KEY" },
    });
    const secrets = { GATE_KEY: await provider.gateKey(alg) };
    const gate = await startGate({ ...own, secrets });
    try {
      await assertAdmitted(await gate.fetchWith(await provider.opaqueToken(), PATH), origin);
      await inactive(await gate.fetchWith("made-up", PATH));
      await provider.expectFetches([INTROSPECTION, INTROSPECTION]);
      assert.deepEqual(failures(gate), []);
    } finally {
      await Promise.all([gate, origin, provider].map((one) => one.stop()));
    }
  });
}

providerTest(
  "RFC 9701: admits a token by a signed response",
  (site) =>
    introspecting({
      ...site,
      issuer: keysOf(site.provider),
      introspection: { client_id: "gate-signed", signed: true },
    }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.opaqueToken(), PATH), origin);
    await provider.expectFetches([INTROSPECTION, JWKS]);
    await inactive(await gate.fetchWith("made-up", PATH));
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "RFC 9701: refuses an unsigned response where a signed one is required",
  (site) =>
    introspecting({
      ...site,
      issuer: keysOf(site.provider),
      introspection: { signed: true },
    }),
  async ({ gate, provider }) => {
    await provider.answerWith({ iss: provider.issuer, ...ACTIVE }, { path: INTROSPECTION });
    await unavailable(await gate.fetchWith(await provider.opaqueToken(), PATH));
    await provider.expectFetches([INTROSPECTION]);
    assert.match(String(failures(gate)[0]?.problem), /not a signed one/);
  },
);

providerTest(
  "a token that the provider revokes is rejected within cache seconds",
  (site) => introspecting({ ...site, introspection: { cache: 30 } }),
  async ({ gate, origin, provider }) => {
    const token = await provider.opaqueToken();
    await assertAdmitted(await gate.fetchWith(token, PATH), origin);
    await provider.revoke(token);
    await assertAdmitted(await gate.fetchWith(token, PATH), origin);
    await provider.expectFetches([INTROSPECTION]);
    await gate.moveClock(31);
    await inactive(await gate.fetchWith(token, PATH));
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "with cache = 0, a token that the provider revokes is rejected at once",
  (site) => introspecting({ ...site, introspection: { cache: 0 } }),
  async ({ gate, origin, provider }) => {
    const token = await provider.opaqueToken();
    await assertAdmitted(await gate.fetchWith(token, PATH), origin);
    await assertAdmitted(await gate.fetchWith(token, PATH), origin);
    await provider.expectFetches([INTROSPECTION, INTROSPECTION]);
    await provider.revoke(token);
    await inactive(await gate.fetchWith(token, PATH));
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "one issuer has both keys and introspection",
  (site) =>
    introspecting({
      ...site,
      issuer: { ...keysOf(site.provider), audience: [OPAQUE_AUDIENCE, policies.AUDIENCE] },
    }),
  async ({ gate, origin, provider }) => {
    await assertAdmitted(await gate.fetchWith(await provider.token(), PATH), origin);
    await provider.expectFetches([JWKS]);
    await assertAdmitted(await gate.fetchWith(await provider.opaqueToken(), PATH), origin);
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  'tokens = "all": a JWT is introspected after its signature, and has the response\'s claims',
  (site) =>
    introspecting({
      ...site,
      issuer: { ...keysOf(site.provider), audience: policies.AUDIENCE },
      introspection: { tokens: "all" },
    }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    const claims = { iss: provider.issuer, aud: policies.AUDIENCE, exp: 9_999_999_999 };
    const answer = { active: true, ...claims, sub: "from-the-response" };
    await provider.answerWith(answer, { path: INTROSPECTION });
    const seen = await assertAdmitted(await gate.fetchWith(token, PATH), origin);
    assert.equal(seen.header("x-auth-subject"), "from-the-response");
    await provider.expectFetches([JWKS, INTROSPECTION]);
    const forged = `${token.slice(0, -20)}${"A".repeat(20)}`;
    await assertRefused(await gate.fetchWith(forged, PATH), 401, INVALID, {
      detail: "bad_signature",
    });
    await provider.expectFetches([]);
    await provider.answerWith({ active: false }, { path: INTROSPECTION });
    await gate.moveClock(61);
    await inactive(await gate.fetchWith(token, PATH));
    await provider.expectFetches([INTROSPECTION]);
  },
);

const ACTIVE = {
  active: true,
  aud: OPAQUE_AUDIENCE,
  sub: "user-1",
  exp: 9_999_999_999,
};

/**
 * Responses that are no answers: 503, one call, and a log line that says what to do.
 *
 * @type {[what: string, answer: Answer | [body: object | string, status?: number, type?: string],
 *   problem: RegExp][]}
 */
const FAILURES = [
  ['active as "true"', [{ ...ACTIVE, active: "true" }], /no "active" that is true or false/],
  ["active as 1", [{ ...ACTIVE, active: 1 }], /no "active" that is true or false/],
  ["active as null", [{ ...ACTIVE, active: null }], /no "active" that is true or false/],
  ["a JWT where JSON belongs", ["eyJhbGciOiJIUzI1NiJ9.e30.AA"], /not valid JSON/],
  ["a JWT of its own type", ["e30.e30.e30", 200, "application/jwt"], /not application\/json/],
  ["200 with HTML", ["<html></html>", 200, "text/html"], /not application\/json/],
  ["302", [ACTIVE, 302], /answered 302/],
  ["400", [{ error: "invalid_request" }, 400], /answered 400/],
  ["500", [ACTIVE, 500], /answered 500/],
  ["429", [ACTIVE, 429], /answered 429/],
  ["5 MB", [{ ...ACTIVE, pad: "x".repeat(5_000_000) }], /larger than 64 KiB/],
  ["a connection that breaks", { kind: "reset" }, /could not be reached/],
  ["no answer", { kind: "hold" }, /within 5 seconds/],
  ["an answer that never ends", { kind: "trickle" }, /within 5 seconds|ended its response early/],
];

for (const [what, answer, problem] of FAILURES) {
  providerTest(
    `attack: introspection: ${what} is a 503, and never admits a request`,
    (site) => introspecting(site),
    async ({ gate, origin, provider }) => {
      if (Array.isArray(answer)) {
        const [body, status = 200, type = "application/json"] = answer;
        const text =
          typeof body === "string" ? body : JSON.stringify({ iss: provider.issuer, ...body });
        const headers = { "Content-Type": type, Location: `${provider.issuer}/elsewhere` };
        await provider.answerWith(text, { status, headers, path: INTROSPECTION });
      } else {
        await provider.answer(answer, INTROSPECTION);
      }
      const token = await provider.opaqueToken();
      await unavailable(await gate.fetchWith(token, PATH));
      const [line, ...others] = failures(gate);
      assert.deepEqual(others, []);
      assert.equal(line?.issuer, "provider");
      assert.match(String(line?.problem), problem);
      assert.ok(String(line?.remedy).length > 10);
      await provider.expectFetches([INTROSPECTION]);
      await provider.recover();
      await gate.moveClock(31);
      await assertAdmitted(await gate.fetchWith(token, PATH), origin);
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

/** @type {[what: string, changes: Record<string, unknown>, code: string][]} */
const REJECTED = [
  ["another aud", { aud: "https://other.example.com" }, "wrong_audience"],
  ["no aud", { aud: undefined }, "wrong_audience"],
  ["another iss", { iss: "https://other.example.com" }, "unknown_issuer"],
  ["no exp", { exp: undefined }, "missing_claim"],
  ["nbf in the future", { nbf: 9_999_999_998 }, "not_yet_valid"],
  ["cnf", { cnf: { jkt: "x" } }, "invalid_claim"],
];

for (const [what, changes, code] of REJECTED) {
  providerTest(
    `attack: introspection: an active token with ${what} is rejected`,
    (site) => introspecting(site),
    async ({ gate, provider }) => {
      const answer = { iss: provider.issuer, ...ACTIVE, ...changes };
      await provider.answerWith(answer, { path: INTROSPECTION });
      for (let count = 0; count < 3; count += 1) {
        const response = await gate.fetchWith("a-token", PATH);
        await assertRefused(response, 401, INVALID, { detail: code });
      }
      await provider.expectFetches([INTROSPECTION]);
    },
  );
}

providerTest(
  "attack: introspection: an active token whose exp has passed is rejected as expired",
  (site) => introspecting(site),
  async ({ gate, provider }) => {
    const answer = { iss: provider.issuer, ...ACTIVE, exp: 1 };
    await provider.answerWith(answer, { path: INTROSPECTION });
    const response = await gate.fetchWith("a-token", PATH);
    await assertProblem(response, 401, { detail: "expired" });
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "an endpoint that rejects the gate's own credentials is a 503, and the log says what to check",
  (site) => ({ ...introspecting(site), secrets: { GATE_SECRET: "an older secret" } }),
  async ({ gate, provider }) => {
    const token = await provider.opaqueToken();
    await unavailable(await gate.fetchWith(token, PATH));
    const [line] = failures(gate);
    assert.match(String(line?.problem), /answered 40[01]/);
    assert.match(String(line?.remedy), /client_id/);
    await provider.expectFetches([INTROSPECTION]);
  },
);

providerTest(
  "attack: introspection: a hundred requests with one unknown token cause one call",
  (site) => introspecting({ ...site, introspection: { cache: 0 } }),
  async ({ gate, origin, provider }) => {
    const token = await provider.opaqueToken();
    await provider.hold(INTROSPECTION);
    const requests = [...Array(100).keys()].map(() => gate.fetchWith(token, PATH));
    assert.equal(await provider.nextFetch(), INTROSPECTION);
    // The request that asks has arrived last at the earliest when the others have arrived as well.
    const [other] = await Promise.all([gate.fetch("/public/x"), provider.fetches()]);
    assert.equal(other.status, 200);
    await provider.recover();
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(origin.take().length, 101);
    await provider.expectFetches([]);
  },
);

providerTest(
  "attack: introspection: a client that disconnects does not end the call that others wait for",
  (site) => introspecting(site),
  async ({ gate, origin, provider }) => {
    const token = await provider.opaqueToken();
    await provider.hold(INTROSPECTION);
    const abort = new AbortController();
    const first = gate.fetchWith(token, PATH, { signal: abort.signal });
    assert.equal(await provider.nextFetch(), INTROSPECTION);
    const second = gate.fetchWith(token, PATH);
    abort.abort();
    await assert.rejects(first);
    await provider.recover();
    assert.equal((await second).status, 200);
    assert.ok(origin.take().length > 0);
    await provider.expectFetches([]);
  },
);

providerTest(
  "attack: introspection: a token with characters that end a form field stays one field",
  (site) => introspecting(site),
  async ({ gate, provider }) => {
    for (const token of ["a+b/c~d==", "..%2F", "a.b~c", "a=", "++++", "-_-"]) {
      const response = await gate.fetchWith(token, PATH);
      if (token.includes("%")) {
        await assertProblem(response, 400, { detail: "malformed_authorization" });
      } else {
        await inactive(response);
        await provider.expectFetches([INTROSPECTION]);
      }
    }
  },
);

providerTest(
  "attack: introspection: 10,000 made-up tokens stay within the limit, and good tokens pass",
  (site) => ({ runtime: "workerd", ...introspecting({ ...site, log: { decisions: "none" } }) }),
  async ({ gate, origin, provider, t }) => {
    const good = await provider.opaqueToken();
    await assertAdmitted(await gate.fetchWith(good, PATH), origin);
    await answersTo(gate, madeUp(10_000));
    const before = resident();
    await provider.fetches();
    const began = Date.now();
    const counts = await answersTo(gate, madeUp(10_000));
    const seconds = Math.ceil((Date.now() - began) / 1000) + 1;
    const calls = (await provider.fetches()).length;
    t.diagnostic(`${calls} calls in ${seconds} seconds: ${JSON.stringify(counts)}`);
    assert.ok(calls <= 50 * seconds, `${calls} calls in ${seconds} seconds`);
    const { "401 inactive_token": rejected = 0, "503 introspection_unavailable": refused = 0 } =
      counts;
    assert.equal(rejected + refused, 10_000);
    assert.ok(rejected <= calls && refused > 0);
    await assertAdmitted(await gate.fetchWith(good, PATH), origin);
    await provider.fetches();
    if (before !== undefined) {
      const growth = ((resident() ?? 0) - before) / (1024 * 1024);
      t.diagnostic(`workerd grew by ${Math.round(growth)} MiB`);
      // Less than the limit of an isolate, and little for each token.
      assert.ok(growth < 128, `workerd grew by ${growth} MiB`);
    }
  },
);

const madeUp = (/** @type {number} */ count) =>
  [...Array(count).keys()].map(() => randomBytes(24).toString("base64url"));

providerTest(
  "rate_limit counts made-up opaque tokens as it counts forged ones",
  (site) => ({
    ...introspecting({ ...site, rate_limit: { binding: "FAILURES" } }),
    ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: 3, period: 60 } } },
  }),
  async ({ gate, provider }) => {
    const from = { headers: { "CF-Connecting-IP": "192.0.2.1" } };
    // A new period of the limiter may begin meanwhile.
    const made = madeUp(9);
    const statuses = [];
    for (const token of made) statuses.push((await gate.fetchWith(token, PATH, from)).status);
    assert.deepEqual(new Set(statuses), new Set([401, 429]));
    assert.equal((await provider.fetches()).length, made.length);
  },
);

providerTest(
  "no token, response, client credential or private key appears in a log, a response or the console",
  (site) => ({
    ...introspecting({
      ...site,
      log: { decisions: "all" },
      introspection: { auth: "post" },
      forward: { claims: { "X-Auth-Subject": "/sub" } },
    }),
    secrets: { GATE_SECRET: SECRETS.secret("the client secret") },
    vars: { CONSOLE: "on" },
  }),
  async ({ gate, origin, provider }) => {
    const token = (/** @type {string} */ name) => SECRETS.secret(`the token ${name}`);
    const claim = (/** @type {string} */ name) =>
      SECRETS.make(`claim ${name}`).replaceAll(" ", "-");
    const good = () => ({
      iss: provider.issuer,
      ...ACTIVE,
      sub: claim("sub"),
      username: claim("username"),
      [claim("name")]: { deep: [claim("deep")] },
    });
    /** @type {[name: string, body: object | string, status?: number, type?: string][]} */
    const responses = [
      ["active", good()],
      ["inactive", { ...good(), active: false }],
      ["of another audience", { ...good(), aud: claim("aud") }],
      ["of the wrong type", { ...good(), exp: claim("exp") }],
      ["not active", { ...good(), active: claim("active") }],
      ["not JSON", `{"active":true,"${claim("broken")}`],
      ["an error", { error: claim("error"), error_description: claim("description") }, 400],
      ["a redirect", good(), 302],
      ["of another content type", claim("page"), 200, `text/${claim("type")}`],
    ];
    let minutes = 0;
    for (const [name, body, status = 200, type = "application/json"] of responses) {
      // So that the failure before it does not hold up this call.
      minutes += 1;
      await gate.moveClock(60 * minutes);
      const headers = { "Content-Type": type, Location: `/${claim("location")}` };
      await provider.answerWith(body, { status, headers, path: INTROSPECTION });
      const sent = token(name);
      const response = await gate.raw({
        target: PATH,
        headers: [["Authorization", `Bearer ${sent}`]],
      });
      await provider.expectFetches([INTROSPECTION]);
      const { status: found } = response;
      if (found === 200) origin.take();
      else SECRETS.expectNoneIn(name, told(response));
      assert.equal(found, name === "active" ? 200 : found === 503 ? 503 : 401, name);
    }
    SECRETS.expectNoneIn("the log", gate.logs.text);
    const facts = await gate.fetch("/_portcullis/gate.json");
    SECRETS.expectNoneIn("gate.json", await facts.text());
    // The console shows the claims only to those who ask the Worker about a token of their own.
    await gate.moveClock(60 * (minutes + 1));
    const asked = good();
    await provider.answerWith(asked, { path: INTROSPECTION });
    const judged = await gate.fetch("/_portcullis/judge", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        method: "GET",
        url: new URL(PATH, gate.url).href,
        headers: [["Authorization", `Bearer ${token("for the console")}`]],
      }),
    });
    const verdict = await judged.json();
    assert.deepEqual(verdict.introspected, asked, JSON.stringify(verdict));
    const { introspected: _, outgoing, ...rest } = verdict;
    assert.ok(outgoing);
    SECRETS.expectNoneIn("the verdict", JSON.stringify(rest));
    await provider.expectFetches([INTROSPECTION]);
    SECRETS.expectNoneIn("the log", gate.logs.text);
  },
);
