// Values that nobody else has, sent and configured in every way there is: neither the Worker's log nor an answer of the
// gate's holds one of them, in clear or encoded. The origin is looked through in the same way, and there they are.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  assertAdmitted,
  assertProblem,
  assertUnavailable,
  gateTest,
  JWKS,
  METADATA,
  policies,
  providerTest,
  tokens,
} from "./harness/index.mjs";

const { AUDIENCE, claims, hs256, published } = policies;

/** Of a longer text, so much of it in one piece is a leak. */
const PIECE = 12;

/** What must not be found. */
class Canaries {
  /** [name, forms]: what a test calls it, and the texts any of which gives it away, in lower case. */
  #known = [];

  /** A new value; what surrounds its random core is for whoever reads a failure. */
  make(name) {
    const core = randomBytes(10).toString("hex");
    this.#know(name, encodings(core));
    return `${name}-${core}`;
  }

  /** A longer text of which no piece may be found: a secret, a token. */
  keep(name, text) {
    const pieces = [];
    for (let at = 0; at + PIECE <= text.length; at += PIECE / 2) pieces.push(text.slice(at, at + PIECE));
    this.#know(name, pieces);
    return text;
  }

  /** A new secret. */
  secret(name) {
    return this.keep(name, randomBytes(32).toString("hex"));
  }

  /** The names of those that a text holds. */
  in(text) {
    const lower = text.toLowerCase();
    return this.#known.flatMap(([name, forms]) => (forms.some((form) => lower.includes(form)) ? [name] : []));
  }

  expectNoneIn(what, text) {
    assert.deepEqual(this.in(text), [], `${what}: ${text.slice(0, 2000)}`);
  }

  #know(name, forms) {
    this.#known.push([name, [...new Set(forms.map((form) => form.toLowerCase()))]]);
  }
}

/** A text in clear, percent-encoded, in hexadecimal digits, and in either base64 wherever in a longer text it stood. */
function encodings(text) {
  const bytes = Buffer.from(text);
  const octets = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only characters all of whose bits are the text's own.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)];
    return ["base64", "base64url"].map((encoding) => whole.toString(encoding).slice(from, to));
  });
  return [text, octets.map((octet) => `%${octet}`).join(""), octets.join(""), ...inBase64];
}

/** All that a client is told, in one text. */
const told = ({ status, headerLines, text }) => `${status}\n${headerLines.join("\n")}\n${text}`;

/** All that the origin was told of a request but its body. */
const head = ({ method, target, headerLines }) => `${method} ${target}\n${headerLines.join("\n")}`;

const decisions = (book) => book.structured.filter(({ event }) => event === "decision");

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
  claims: { "X-Auth-Subject": "/sub", "X-Auth-Scope": "/scope", "X-Auth-Custom": "/custom", "X-Auth-List": "/list" },
  payload: "X-Auth-Payload",
  proof: { secret: "HOP_SECRET" },
};

const SOURCES = ["authorization", { cookie: "__Host-token" }, { header: "X-Token" }, { query: "access_token" }, "websocket-protocol"]; // prettier-ignore

/** A way to send a token in each of the sources: [target, headers]. */
const PLACES = {
  authorization: (path, token) => [path, [["Authorization", `Bearer ${token}`]]],
  "an authorization of no scheme": (path, token) => [path, [["Authorization", token]]],
  "an authorization of another scheme": (path, token) => [path, [["Authorization", `Basic ${token}`]]],
  "an authorization of two tokens": (path, token) => [path, [["Authorization", `Bearer ${token} ${token}`]]],
  cookie: (path, token) => [path, [["Cookie", `a=b; __Host-token=${token}`]]],
  header: (path, token) => [path, [["X-Token", token]]],
  query: (path, token) => [`${path}?access_token=${token}`, []],
  subprotocol: (path, token) => [path, [["Sec-WebSocket-Protocol", `bearer, ${token}`]]],
  "two sources": (path, token) => [`${path}?access_token=${token}`, [["Authorization", `Bearer ${token}`]]],
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
    tokens.token({ key, header: { kid: canaries.make("kid"), ...header }, payload: payload(changes), ...more });
  const text = (name) => canaries.make(name);
  const good = make();
  const [headerPart, payloadPart, signaturePart] = tokens.segments(good);
  return {
    good,
    expired: make({ exp: 1 }),
    early: make({ nbf: tokens.now() + 9999 }),
    "of another issuer": make({ iss: `https://${text("iss")}.example/` }),
    "for another audience": make({ aud: [text("aud"), text("aud 2")] }),
    "with a wrong signature": make({}, { key: text("another secret, and one that is long enough") }),
    "with a changed signature": tokens.withChangedCharacter(good, good.length - 20),
    "with a changed payload": `${headerPart}.${tokens.base64url(JSON.stringify(payload()))}.${signaturePart}`,
    "without a signature": `${headerPart}.${payloadPart}.`,
    "of no algorithm": make({}, { header: { alg: text("alg") } }),
    "of another algorithm": make({}, { header: { alg: "RS256" } }),
    "of another type": make({}, { header: { typ: text("typ") } }),
    "of the proof's type": make({}, { header: { typ: "portcullis-proof+jwt" } }),
    critical: make({}, { header: { crit: [text("crit")] } }),
    "with a key of its own": make({}, { header: { jku: `https://${text("jku")}.example`, jwk: { k: text("jwk") } } }),
    "with an endless kid": make({}, { header: { kid: text("kid").repeat(100) } }),
    "with a kid that is a line of the log": make({}, { header: { kid: `\r\n{"event":"${text("line")}"}` } }),
    "with a claim of 9 KiB": make({ custom: text("oversized").repeat(250) }),
    "with a claim of controls": make({ custom: `a\r\nX-Evil: ${text("controls")}\0` }),
    "with a claim of the wrong kind": make({ exp: text("exp"), iat: text("iat"), nbf: text("nbf") }),
    "with a sub of the wrong kind": make({ sub: { [text("key of sub")]: text("value of sub") } }),
    "with a scope of the wrong kind": make({ scope: `a  ${text("two spaces")}` }),
    "with two kinds of scope": make({ scp: [text("scp")] }),
    "bound to a key": make({ cnf: { jkt: text("jkt") } }),
    "with events": make({ events: { [text("event")]: {} } }),
    "with a name twice": make({}, { payload: `{"sub":"${text("first")}","sub":"${text("second")}"}` }),
    "with half a payload": make({}, { payload: `{"sub":"${text("half")}` }),
    "with a payload of no object": make({}, { payload: JSON.stringify(text("string")) }),
    "with bytes that are no UTF-8": make({}, { payload: Buffer.from(`{"sub":"${text("bytes")}\xff"}`, "latin1") }),
    "too large": make({ filler: text("filler").repeat(800) }),
    "of one part": text("one"),
    "of three parts that are none": `${text("part 1")}.${text("part 2")}.${text("part 3")}`.replaceAll(" ", "-"),
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
        const response = await gate.raw({ target, headers: [["Origin", "https://app.example.com"], ...headers] });
        const seen = origin.take();
        assert.equal(seen.length, response.header("x-origin") === "reached" ? 1 : 0, `${name}, ${place}, ${path}`);
        answers.set(told(response), `the answer to a token ${name} in ${place} for ${path}`);
        assert.ok(response.status < 500, `${response.status} to a token ${name} in ${place} for ${path}`);
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
  const policy = hs256({ origin, routes: ROUTES, forward: { claims: { "X-Auth-Subject": "/tenant" } } });
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
    const at = (wanted) => reached.find(({ name, place, path }) => `${name} ${place} ${path}` === wanted).request;
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
    assert.ok(canaries.in(head(at("expired authorization /report/a"))).length > 0, "reported, and passed on");

    await gate.stop();
    assert.equal(decisions(gate.logs).length, sent, "one line a request");
    const events = new Set(gate.logs.structured.map(({ event }) => event));
    assert.ok(events.has("candidate"), "the candidate made something else of some of it");
    assert.ok(!gate.logs.text.includes(tokens.segments(proof)[2]), "the proof is in the log");
    canaries.expectNoneIn("the log", gate.logs.text);
    // Nor is there a line that is none of the gate's.
    assert.deepEqual(gate.logs.entries.filter(({ json }) => json === undefined), []);
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

      const logout = (changes) => claims({ aud: CLIENT, iat: tokens.now(), events: EVENTS, ...marks("jti", "sub", "sid"), ...changes });
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
        const forged = make({ header: marks("kid"), payload: claims(marks("sub")) }, own.secret("another secret"));
        const { status } = await ask(forged, [["CF-Connecting-IP", address]]);
        if (status === 429) limited += 1;
        else assert.equal(status, 401);
      }
      assert.equal(limited, 1, "too many are refused in another way");
      origin.expectNone();

      await gate.logs.waitFor((book) => decisions(book).length >= asked);
      await gate.logs.waitFor((book) => book.structured.filter(({ event }) => event === "logout").length >= 12);
      if (!works) {
        await gate.logs.waitFor((book) => book.structured.some(({ event }) => event === "revocations_unreadable"));
      }
      own.expectNoneIn("the log", gate.logs.text);
    },
  );
}

// What an operator has got wrong, with a secret in it.

/** An issuer for each way of having a key wrong: [its keys, its algorithm, the bindings that they name]. */
function wrongKeys(own) {
  const privateJwk = { kty: "OKP", crv: "Ed25519", x: own.make("x"), d: own.make("d"), kid: own.make("kid") };
  const { privateKey } = tokens.rsaKeys();
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  own.keep("a private key", pem.split("\n").slice(1, -2).join(""));
  return [
    [{ secret: "SHORT" }, "HS256", { SHORT: own.make("short").slice(-20) }],
    [{ secret: "ENDING" }, "HS256", { ENDING: `${own.secret("ending")}\n` }],
    [{ secret: "PEM_TEXT" }, "HS256", { PEM_TEXT: `-----BEGIN PUBLIC KEY-----\n${own.make("PEM")}\n-----END PUBLIC KEY-----` }],
    [{ secret: "JWK_TEXT" }, "HS256", { JWK_TEXT: JSON.stringify({ kty: "oct", k: own.make("k") }) }],
    [{ secret: "TABLE" }, "HS256", { TABLE: { secret: own.secret("table") } }],
    [{ secret: "BASE64", encoding: "base64" }, "HS256", { BASE64: `${own.secret("base64")}*` }],
    [{ secret: "HEX", encoding: "hex" }, "HS256", { HEX: `${own.secret("hex")}xyz` }],
    [{ pem: "PRIVATE" }, "RS256", { PRIVATE: pem }],
    [{ pem: "GARBAGE" }, "RS256", { GARBAGE: own.secret("garbage") }],
    [{ pem: "BROKEN" }, "RS256", { BROKEN: `-----BEGIN PUBLIC KEY-----\n${own.make("broken")}\n-----END PUBLIC KEY-----` }],
    [{ jwks: "NO_JSON" }, "EdDSA", { NO_JSON: `{"keys": ${own.secret("no JSON")}` }],
    [{ jwks: "NO_SET" }, "EdDSA", { NO_SET: JSON.stringify({ [own.make("name")]: own.make("value") }) }],
    [{ jwks: "PRIVATE_SET" }, "EdDSA", { PRIVATE_SET: JSON.stringify({ keys: [privateJwk, { kty: own.make("kty") }] }) }],
    [{ jwks: { keys: [{ ...privateJwk, use: own.make("use") }] } }, "EdDSA", {}],
    [{ jwks_uri: `https://user:${own.make("password")}@keys.example/jwks` }, "RS256", {}],
    [{ jwks_uri: `http://keys.example/${own.make("path")}` }, "RS256", {}],
  ]; // prettier-ignore
}

/** A policy with all of them, and its bindings. */
function faulty(origin, own) {
  const wrong = wrongKeys(own);
  const policy = hs256({
    origin: `https://user:${own.make("origin")}@origin.example`,
    realm: `"${own.make("realm")}`,
    issuers: wrong.map(([keys, alg], index) => ({
      name: `issuer-${index}`,
      issuer: `https://issuer-${index}.example/`,
      audience: AUDIENCE,
      algorithms: [alg],
      keys,
    })),
    forward: { proof: { secret: "SHORT_HOP" } },
    resource: {
      identifier: `https://user:${own.make("identifier")}@api.example.com`,
      authorization_servers: [`https://user:${own.make("server")}@issuer.example/`],
    },
  });
  const bindings = Object.assign({ SHORT_HOP: own.make("hop").slice(-20) }, ...wrong.map(([, , bound]) => bound));
  return { policy: JSON.stringify(policy), bindings, count: wrong.length + 4 };
}

/** Every fault has been named, so that there was something to say. */
function assertFaults(gate, event, count) {
  const paths = gate.logs.structured.filter((line) => line.event === event).map(({ path }) => path);
  for (let index = 0; index < count - 4; index += 1) {
    assert.ok(
      paths.some((path) => path.startsWith(`issuers[${index}]`)),
      `issuers[${index}] in ${paths}`,
    );
  }
  for (const place of ["origin", "realm", "forward.proof", "resource.identifier", "resource.authorization_servers"]) {
    assert.ok(
      paths.some((path) => path.startsWith(place)),
      `${place} in ${paths}`,
    );
  }
}

{
  const own = new Canaries();
  let count;
  gateTest(
    "a policy with faults: what is wrong with a secret is said without it",
    ({ origin }) => {
      const { policy, bindings, ...rest } = faulty(origin, own);
      count = rest.count;
      // Over 5 KB, which a text may not have; a table may.
      return { runtime: "workerd", policy: JSON.parse(policy), secrets: bindings };
    },
    async ({ gate, origin }) => {
      const response = await gate.raw({ target: "/api/a", headers: [["Authorization", "Bearer a.b.c"]] });
      await assertProblem(response, 500);
      own.expectNoneIn("the answer", told(response));
      origin.expectNone();
      await gate.stop();
      assertFaults(gate, "policy_fault", count);
      own.expectNoneIn("the log", gate.logs.text);
    },
  );
}

{
  const own = new Canaries();
  const secret = own.secret("the secret");
  let count;
  gateTest(
    "a candidate with faults: the same",
    ({ origin }) => {
      const { policy, bindings, ...rest } = faulty(origin, own);
      count = rest.count;
      return {
        runtime: "workerd",
        policy: talkative({ origin }),
        vars: { POLICY_CANDIDATE: JSON.parse(policy) },
        secrets: { SECRET: secret, ...bindings },
      };
    },
    async ({ gate, origin }) => {
      const sub = own.make("sub");
      const token = tokens.token({ key: secret, payload: claims({ sub }) });
      const response = await gate.raw({ target: "/api/a", headers: [["Authorization", `Bearer ${token}`]] });
      own.expectNoneIn("the answer", told(response));
      const seen = await assertAdmitted(response, origin);
      assert.equal(seen.header("x-auth-subject"), sub);
      assert.deepEqual(own.in(head(seen)), ["sub"]);
      await gate.stop();
      assertFaults(gate, "candidate_fault", count);
      own.expectNoneIn("the log", gate.logs.text);
    },
  );
}

for (const variable of ["POLICY", "POLICY_CANDIDATE"]) {
  const own = new Canaries();
  gateTest(
    `a ${variable} that is no JSON is not told`,
    ({ origin }) => ({
      runtime: "workerd",
      policy: talkative({ origin }),
      vars: { [variable]: `{ "origin": ${own.make("origin")}` },
      secrets: { SECRET: own.secret("the secret") },
    }),
    async ({ gate, origin }) => {
      const response = await gate.raw({ target: "/public/a" });
      own.expectNoneIn("the answer", told(response));
      assert.equal(response.status, variable === "POLICY" ? 500 : 200);
      assert.equal(origin.take().length, variable === "POLICY" ? 0 : 1);
      await gate.stop();
      assert.match(gate.logs.text, new RegExp(`${variable} is not JSON`));
      own.expectNoneIn("the log", gate.logs.text);
    },
  );
}

// What a provider publishes that is of no use.

const jwks = (own, changes = {}) => ({ keys: [{ kty: own.make("kty"), kid: own.make("kid"), n: own.make("n"), ...changes }] });

const FETCHED = {
  "no JSON": (own) => ({ text: `{"keys": ${own.make("text")}` }),
  "no set": (own) => ({ text: { [own.make("name")]: own.make("value") } }),
  "a key of an unknown kind": (own) => ({ text: jwks(own) }),
  "a private key": (own) => ({ text: jwks(own, { kty: "RSA", e: "AQAB", d: own.make("d") }) }),
  "a shared secret": (own) => ({ text: jwks(own, { kty: "oct", k: own.make("k") }) }),
  "a curve that there is not": (own) => ({ text: jwks(own, { kty: "EC", crv: own.make("crv"), x: own.make("x") }) }),
  "a key for something else": (own) => ({ text: jwks(own, { kty: "RSA", use: own.make("use"), alg: own.make("alg") }) }),
  "an error": (own) => ({ text: own.make("error"), status: 500, headers: { "X-Error": own.make("header") } }),
  "a redirect": (own) => ({ text: "", status: 302, headers: { Location: `https://${own.make("location")}.example/` } }),
  HTML: (own) => ({ text: `<!doctype html>${own.make("page")}`, headers: { "Content-Type": "text/html" } }),
};

for (const [what, make] of Object.entries(FETCHED)) {
  const own = new Canaries();
  providerTest(
    `keys that cannot be used, being ${what}: the log says so without them`,
    ({ origin, provider }) => ({
      runtime: "workerd",
      policy: published({ origin, provider, log: { decisions: "all" } }),
    }),
    async ({ gate, provider }) => {
      const { text, ...answer } = make(own);
      await provider.answerWith(text, answer);
      const token = await provider.token();
      own.keep("the signature", tokens.segments(token)[2]);
      await expectUnavailable(gate, token, own);
      await provider.expectFetches([JWKS]);
      await expectSilence(gate, own);
    },
  );
}

const METADATA_WITH = {
  "user information in jwks_uri": (own, { issuer }) => ({ issuer, jwks_uri: `https://user:${own.make("password")}@keys.example/` }),
  "a jwks_uri over http": (own, { issuer }) => ({ issuer, jwks_uri: `http://keys.example/${own.make("path")}` }),
  "a jwks_uri that is no URL": (own, { issuer }) => ({ issuer, jwks_uri: own.make("text") }),
  "another issuer": (own, { jwksUri }) => ({ issuer: `https://${own.make("issuer")}.example`, jwks_uri: jwksUri }),
};

for (const [what, make] of Object.entries(METADATA_WITH)) {
  const own = new Canaries();
  providerTest(
    `metadata that cannot be used, with ${what}: the log says so without it`,
    ({ origin, provider }) => ({
      runtime: "workerd",
      policy: published({ origin, provider, keys: { discovery: true }, log: { decisions: "all" } }),
    }),
    async ({ gate, provider }) => {
      await provider.answerWith(make(own, provider), { path: METADATA });
      await expectUnavailable(gate, await provider.token(), own);
      await provider.expectFetches([METADATA]);
      await expectSilence(gate, own);
    },
  );
}

async function expectUnavailable(gate, token, own) {
  const response = await gate.raw({ target: "/api/a", headers: [["Authorization", `Bearer ${token}`]] });
  await assertUnavailable(response);
  own.expectNoneIn("the answer", told(response));
}

async function expectSilence(gate, own) {
  await gate.stop();
  assert.equal(gate.logs.structured.filter(({ event }) => event === "keys_not_fetched").length, 1);
  assert.equal(decisions(gate.logs).length, 1);
  own.expectNoneIn("the log", gate.logs.text);
}
