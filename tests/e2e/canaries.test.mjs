// Values that nobody else has, sent in every way there is: neither the Worker's log nor an answer of the gate's holds
// one of them, in clear or encoded. The origin is looked through in the same way, and there they are.

import assert from "node:assert/strict";
import { Canaries, decisions, head, told } from "./harness/canaries.mjs";
import { assertAdmitted, assertProblem, gateTest, policies, tokens } from "./harness/index.mjs";

const { AUDIENCE, claims, hs256 } = policies;

/** A policy that logs all there is, and tells clients all there is. */
const talkative = ({ origin, ...changes }) =>
  hs256({
    origin,
    errors: { detail: "reason" },
    log: { decisions: "all" },
    cors: { allow_origins: ["https://app.example.com"] },
    resource: { identifier: AUDIENCE, authorization_servers: [policies.ISSUER] },
    ...changes,
  });

const ROUTES = [
  { path: "/public/*", access: "public" },
  { path: "/optional/*", access: "optional" },
  { path: "/api/*" },
  { path: "/admin/*", scopes: ["admin"] },
  { path: "/roles/*", roles: ["operator"] },
  { path: "/claims/*", claims: [{ path: "/tenant", equals: "acme" }] },
  { path: "/step-up/*", acr: ["two-factors"], max_auth_age: 60 },
  { path: "/report/*", mode: "report", scopes: ["admin"] },
  { path: "/read-only/*", methods: ["GET"] },
];

const FORWARD = {
  claims: {
    "X-Auth-Subject": "/sub",
    "X-Auth-Scope": "/scope",
    "X-Auth-Custom": "/custom",
    "X-Auth-List": "/list",
  },
  payload: "X-Auth-Payload",
  proof: { secret: "HOP_SECRET" },
};

const SOURCES = ["authorization", { cookie: "__Host-token" }, { header: "X-Token" }, { query: "access_token" }, "websocket-protocol"]; // prettier-ignore

/** A way to send a token in each of the sources: [target, headers]. */
const PLACES = {
  authorization: (path, token) => [path, [["Authorization", `Bearer ${token}`]]],
  "an authorization of no scheme": (path, token) => [path, [["Authorization", token]]],
  "an authorization of another scheme": (path, token) => [
    path,
    [["Authorization", `Basic ${token}`]],
  ],
  "an authorization of two tokens": (path, token) => [
    path,
    [["Authorization", `Bearer ${token} ${token}`]],
  ],
  cookie: (path, token) => [path, [["Cookie", `a=b; __Host-token=${token}`]]],
  header: (path, token) => [path, [["X-Token", token]]],
  query: (path, token) => [`${path}?access_token=${token}`, []],
  subprotocol: (path, token) => [path, [["Sec-WebSocket-Protocol", `bearer, ${token}`]]],
  "two sources": (path, token) => [
    `${path}?access_token=${token}`,
    [["Authorization", `Bearer ${token}`]],
  ],
};

/** Tokens with a canary wherever there can be one: good, and bad in every way. */
function markedTokens(canaries, secret) {
  const payload = (changes) => {
    const mark = (name) => canaries.make(`claim ${name}`).replaceAll(" ", "-");
    return claims({
      sub: mark("sub"),
      jti: mark("jti"),
      sid: mark("sid"),
      scope: mark("scope"),
      tenant: mark("tenant"),
      roles: [mark("roles")],
      acr: mark("acr"),
      list: [mark("list"), { deep: mark("deep") }],
      // Goes into a header percent-encoded.
      custom: `100 % für ${mark("custom")}`,
      [mark("name")]: true,
      ...changes,
    });
  };
  const make = (changes = {}, { header = {}, key = secret, ...more } = {}) =>
    tokens.token({
      key,
      header: { kid: canaries.make("kid"), ...header },
      payload: payload(changes),
      ...more,
    });
  const text = (name) => canaries.make(name);
  const good = make();
  const [headerPart, payloadPart, signaturePart] = tokens.segments(good);
  return {
    good,
    expired: make({ exp: 1 }),
    early: make({ nbf: tokens.now() + 9999 }),
    "of another issuer": make({ iss: `https://${text("iss")}.example/` }),
    "for another audience": make({ aud: [text("aud"), text("aud 2")] }),
    "with a wrong signature": make(
      {},
      { key: text("another secret, and one that is long enough") },
    ),
    "with a changed signature": tokens.withChangedCharacter(good, good.length - 20),
    "with a changed payload": `${headerPart}.${tokens.base64url(JSON.stringify(payload()))}.${signaturePart}`,
    "without a signature": `${headerPart}.${payloadPart}.`,
    "of no algorithm": make({}, { header: { alg: text("alg") } }),
    "of another algorithm": make({}, { header: { alg: "RS256" } }),
    "of another type": make({}, { header: { typ: text("typ") } }),
    "of the proof's type": make({}, { header: { typ: "portcullis-proof+jwt" } }),
    critical: make({}, { header: { crit: [text("crit")] } }),
    "with a key of its own": make(
      {},
      { header: { jku: `https://${text("jku")}.example`, jwk: { k: text("jwk") } } },
    ),
    "with an endless kid": make({}, { header: { kid: text("kid").repeat(100) } }),
    "with a kid that is a line of the log": make(
      {},
      { header: { kid: `\r\n{"event":"${text("line")}"}` } },
    ),
    "with a claim of 9 KiB": make({ custom: text("oversized").repeat(250) }),
    "with a claim of controls": make({ custom: `a\r\nX-Evil: ${text("controls")}\0` }),
    "with a claim of the wrong kind": make({
      exp: text("exp"),
      iat: text("iat"),
      nbf: text("nbf"),
    }),
    "with a sub of the wrong kind": make({ sub: { [text("key of sub")]: text("value of sub") } }),
    "with a scope of the wrong kind": make({ scope: `a  ${text("two spaces")}` }),
    "with two kinds of scope": make({ scp: [text("scp")] }),
    "bound to a key": make({ cnf: { jkt: text("jkt") } }),
    "with events": make({ events: { [text("event")]: {} } }),
    "with a name twice": make(
      {},
      { payload: `{"sub":"${text("first")}","sub":"${text("second")}"}` },
    ),
    "with half a payload": make({}, { payload: `{"sub":"${text("half")}` }),
    "with a payload of no object": make({}, { payload: JSON.stringify(text("string")) }),
    "with bytes that are no UTF-8": make(
      {},
      { payload: Buffer.from(`{"sub":"${text("bytes")}\xff"}`, "latin1") },
    ),
    "too large": make({ filler: text("filler").repeat(800) }),
    "of one part": text("one"),
    "of three parts that are none":
      `${text("part 1")}.${text("part 2")}.${text("part 3")}`.replaceAll(" ", "-"),
  };
}

/** Sends every one of these to every path, in every place; returns how many, and what of it reached the origin. */
async function sendAll({ gate, origin, canaries, marked, paths, places = PLACES }) {
  let sent = 0;
  const reached = [];
  const answers = new Map();
  for (const [name, token] of Object.entries(marked)) {
    for (const [place, put] of Object.entries(places)) {
      for (const path of paths) {
        const [target, headers] = put(path, token);
        const response = await gate.raw({
          target,
          headers: [["Origin", "https://app.example.com"], ...headers],
        });
        const seen = origin.take();
        assert.equal(
          seen.length,
          response.header("x-origin") === "reached" ? 1 : 0,
          `${name}, ${place}, ${path}`,
        );
        answers.set(told(response), `the answer to a token ${name} in ${place} for ${path}`);
        assert.ok(
          response.status < 500,
          `${response.status} to a token ${name} in ${place} for ${path}`,
        );
        sent += 1;
        reached.push(...seen.map((request) => ({ name, place, path, request })));
      }
    }
  }
  // The origin of the tests says nothing of what it was asked: whatever is found is of the gate's making.
  for (const [text, what] of answers) canaries.expectNoneIn(what, text);
  return { sent, reached };
}

/** Signatures are secrets too; what precedes them is found by the canaries in it. */
function keepSignatures(canaries, marked) {
  for (const [name, token] of Object.entries(marked)) {
    const [, , signature] = tokens.segments(token);
    if (signature) canaries.keep(`the signature of the token ${name}`, signature);
  }
}

const canaries = new Canaries();
const SECRET = canaries.secret("the secret");
const HOP_SECRET = canaries.secret("the hop secret");
const STRICT_SECRET = canaries.secret("the candidate's secret");

/** Judged by beside the enforced policy: of the same tokens it makes something else. */
const candidate = (origin) => {
  const policy = hs256({
    origin,
    routes: ROUTES,
    forward: { claims: { "X-Auth-Subject": "/tenant" } },
  });
  policy.issuers[0].keys = { secret: ["SECRET", "STRICT_SECRET"] };
  policy.issuers[0].require = ["email"];
  return policy;
};

gateTest(
  "tokens in every place, good and bad, enforced, reported and tried out",
  ({ origin }) => ({
    runtime: "workerd",
    policy: talkative({ origin, routes: ROUTES, forward: FORWARD, token: { sources: SOURCES } }),
    vars: { POLICY_CANDIDATE: candidate(origin) },
    secrets: { SECRET, HOP_SECRET, STRICT_SECRET },
  }),
  async ({ gate, origin }) => {
    const marked = markedTokens(canaries, SECRET);
    keepSignatures(canaries, marked);
    const paths = ROUTES.map(({ path }) => path.replace("*", "a"));
    const { sent, reached } = await sendAll({
      gate,
      origin,
      canaries,
      marked,
      paths: [...paths, "/nowhere", "/api//a"],
    });

    // The same eyes see them at the origin, which is told of them: in clear, percent-encoded, in base64url.
    const at = (wanted) =>
      reached.find(({ name, place, path }) => `${name} ${place} ${path}` === wanted).request;
    const good = at("good authorization /api/a");
    const [, payload, signature] = tokens.segments(marked.good);
    const { sub } = JSON.parse(Buffer.from(payload, "base64url"));
    assert.equal(good.header("x-auth-subject"), sub);
    assert.equal(good.header("x-auth-payload"), payload);
    assert.match(good.header("x-auth-custom"), /^100%20%25%20f%C3%BCr|^100 %25 f%C3%BCr/);
    assert.deepEqual(
      [
        canaries.in(good.header("x-auth-subject")).length > 0,
        canaries.in(good.header("x-auth-payload")).length > 5,
        canaries.in(good.header("x-auth-custom")).length > 0,
        canaries.in(signature).length > 0,
      ],
      [true, true, true, true],
    );
    const proof = good.header("x-portcullis-proof");
    assert.ok(proof, "the hop's proof");
    assert.ok(
      canaries.in(head(at("expired authorization /report/a"))).length > 0,
      "reported, and passed on",
    );

    await gate.stop();
    assert.equal(decisions(gate.logs).length, sent, "one line a request");
    const events = new Set(gate.logs.structured.map(({ event }) => event));
    assert.ok(events.has("candidate"), "the candidate made something else of some of it");
    assert.ok(!gate.logs.text.includes(tokens.segments(proof)[2]), "the proof is in the log");
    canaries.expectNoneIn("the log", gate.logs.text);
    // Nor is there a line that is none of the gate's.
    assert.deepEqual(
      gate.logs.entries.filter(({ json }) => json === undefined),
      [],
    );
  },
);

// What only Miniflare has: a revocation store, a limiter. It may lose lines of the log, so that those that count are
// waited for.

const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };
const CLIENT = "the-client-at-the-provider";
const LOGOUT = "/backchannel-logout";

for (const [how, more] of [
  ["works", { kvNamespaces: ["REVOKED"] }],
  [
    "is down, and says whom it was asked for",
    {
      services: { REVOKED: { name: "store", entrypoint: "Store" } },
      workers: [
        {
          name: "store",
          modules: true,
          compatibilityDate: "2026-10-01",
          script: `
            import { WorkerEntrypoint } from "cloudflare:workers";
            export class Store extends WorkerEntrypoint {
              get(key) { throw new Error(String(key)); }
              put(key, value) { throw new Error(key + value); }
              getWithMetadata(key) { throw new Error(String(key)); }
            }
            export default { fetch() { return new Response(); } };`,
        },
      ],
    },
  ],
]) {
  const own = new Canaries();
  const secret = own.secret("the secret");
  gateTest(
    `revoked tokens, logouts and too many refusals, where the store ${how}`,
    ({ origin }) => ({
      policy: talkative({
        origin,
        revocation: { kv: "REVOKED", logout_path: LOGOUT, logout_audience: CLIENT },
        rate_limit: { binding: "FAILURES" },
      }),
      secrets: { SECRET: secret },
      ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: 3, period: 60 } } },
      ...more,
    }),
    async ({ gate, origin }) => {
      const works = more.kvNamespaces !== undefined;
      const marks = (...names) => Object.fromEntries(names.map((name) => [name, own.make(name)]));
      const make = (changes, key = secret) => tokens.token({ key, ...changes });
      let asked = 0;
      const ask = async (token, headers = []) => {
        const sent = [["Authorization", `Bearer ${token}`], ...headers];
        const response = await gate.raw({ target: "/api/a", headers: sent });
        own.expectNoneIn("an answer", told(response));
        asked += 1;
        return response;
      };

      const header = marks("kid");
      const payload = claims(marks("jti", "sub", "sid"));
      const good = await ask(make({ header, payload }));
      if (works) {
        const seen = await assertAdmitted(good, origin);
        assert.equal(seen.header("x-auth-subject"), payload.sub);
        assert.ok(own.in(head(seen)).includes("sub"));
      } else {
        await assertProblem(good, 503, { detail: "revocation_unavailable" });
      }

      const store = works && (await gate.miniflare.getKVNamespace("REVOKED"));
      for (const by of ["jti", "sub", "sid"]) {
        const other = claims(marks("jti", "sub", "sid"));
        if (works) await store.put(`${by}:issuer:${other[by]}`, own.make("the entry's text"));
        const response = await ask(make({ header: marks("kid"), payload: other }));
        if (works) assert.match(response.text, /"code":"revoked"/);
        else await assertProblem(response, 503, { detail: "revocation_unavailable" });
      }

      const logout = (changes) =>
        claims({
          aud: CLIENT,
          iat: tokens.now(),
          events: EVENTS,
          ...marks("jti", "sub", "sid"),
          ...changes,
        });
      const typ = { header: { ...marks("kid"), typ: "logout+jwt" } };
      for (const [token, status] of [
        [make({ ...typ, payload: logout() }), works ? 200 : 503],
        [make({ ...typ, payload: logout(marks("nonce")) }), 400],
        [make({ ...typ, payload: logout(marks("aud")) }), 400],
        [make({ ...typ, payload: logout({ events: marks("event") }) }), 400],
        [make({ ...typ, payload: logout() }, own.secret("another secret")), 400],
        [own.make("no token"), 400],
      ]) {
        for (const [target, expected] of [
          [LOGOUT, status],
          [`${LOGOUT}?${own.make("query")}`, works ? 400 : status],
        ]) {
          const response = await gate.raw({
            method: "POST",
            target,
            headers: [["Content-Type", "application/x-www-form-urlencoded"]],
            body: `logout_token=${token}&${own.make("field")}=${own.make("value")}`,
          });
          assert.equal(response.status, expected, response.text);
          own.expectNoneIn("an answer to a logout", told(response));
        }
      }

      // The client's address is nobody's business either.
      const address = own.keep("the address", "198.51.100.234");
      let limited = 0;
      for (let times = 0; times < 12 && limited === 0; times += 1) {
        const forged = make(
          { header: marks("kid"), payload: claims(marks("sub")) },
          own.secret("another secret"),
        );
        const { status } = await ask(forged, [["CF-Connecting-IP", address]]);
        if (status === 429) limited += 1;
        else assert.equal(status, 401);
      }
      assert.equal(limited, 1, "too many are refused in another way");
      origin.expectNone();

      await gate.logs.waitFor((book) => decisions(book).length >= asked);
      await gate.logs.waitFor(
        (book) => book.structured.filter(({ event }) => event === "logout").length >= 12,
      );
      if (!works) {
        await gate.logs.waitFor((book) =>
          book.structured.some(({ event }) => event === "revocations_unreadable"),
        );
      }
      own.expectNoneIn("the log", gate.logs.text);
    },
  );
}
