// Unique values are sent in every place. Neither the Worker's log nor a response of the gate
// contains any of them, whether unencoded or encoded. The same search finds them in what the origin
// receives.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { Canaries, decisions, head, told } from "./harness/canaries.mjs";
import {
  assertAdmitted,
  assertProblem,
  GATE_SECRET,
  gateTest,
  INTROSPECTION,
  introspecting,
  OPAQUE_AUDIENCE,
  policies,
  providerTest,
  tokens,
} from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin, Received } from "./harness/origin.mjs" */
/** @import { Changes } from "./harness/policies.mjs" */
/** @import { Running } from "./harness/running.mjs" */
/** @import { HeaderLine } from "./harness/socket.mjs" */
/** @import { Parts } from "./harness/tokens.mjs" */

/** @typedef {[target: string, headers: HeaderLine[]]} Sent */
/** @typedef {(path: string, token: string) => Sent} Place */

const { AUDIENCE, claims, hs256 } = policies;

/**
 * A policy that logs every decision and tells clients the reason.
 *
 * @param {{origin: Origin} & Changes} options
 */
const verbose = ({ origin, ...changes }) =>
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
  identity: {
    key: "IDENTITY_KEY",
    issuer: "https://gate.example.com",
    audience: "https://internal.example",
    header: "X-Identity",
    claims: ["sub", "scope", "custom", "list"],
  },
};

const SOURCES = [
  "authorization",
  { cookie: "__Host-token" },
  { header: "X-Token" },
  { query: "access_token" },
  "websocket-protocol",
];

/**
 * The places of a token in a request.
 *
 * @type {Record<string, Place>}
 */
const PLACES = {
  authorization: (path, token) => [path, [["Authorization", `Bearer ${token}`]]],
  "an Authorization header without a scheme": (path, token) => [path, [["Authorization", token]]],
  "an Authorization header with another scheme": (path, token) => [
    path,
    [["Authorization", `Basic ${token}`]],
  ],
  "an Authorization header with two tokens": (path, token) => [
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

/**
 * Makes valid tokens and invalid tokens of every kind, with a canary in every possible place.
 *
 * @param {Canaries} canaries
 * @param {string} secret
 * @returns {Record<string, string> & {good: string}}
 */
function markedTokens(canaries, secret) {
  /** @param {Record<string, unknown>} [changes] */
  const payload = (changes) => {
    const mark = (/** @type {string} */ name) =>
      canaries.make(`claim ${name}`).replaceAll(" ", "-");
    return claims({
      sub: mark("sub"),
      jti: mark("jti"),
      sid: mark("sid"),
      scope: mark("scope"),
      tenant: mark("tenant"),
      roles: [mark("roles")],
      acr: mark("acr"),
      list: [mark("list"), { deep: mark("deep") }],
      // Percent-encoded in a header.
      custom: `100 % für ${mark("custom")}`,
      [mark("name")]: true,
      ...changes,
    });
  };
  /**
   * @param {Record<string, unknown>} [changes]
   * @param {Partial<Parts> & {header?: object}} [more]
   */
  const make = (changes = {}, { header = {}, key = secret, ...more } = {}) =>
    tokens.token({
      key,
      header: { kid: canaries.make("kid"), ...header },
      payload: payload(changes),
      ...more,
    });
  const text = (/** @type {string} */ name) => canaries.make(name);
  const good = make();
  const [headerPart, payloadPart, signaturePart] = tokens.segments(good);
  return {
    good,
    expired: make({ exp: 1 }),
    "not yet valid": make({ nbf: tokens.now() + 9999 }),
    "of another issuer": make({ iss: `https://${text("iss")}.example/` }),
    "for another audience": make({ aud: [text("aud"), text("aud 2")] }),
    "with a wrong signature": make(
      {},
      { key: text("another secret, and one that is long enough") },
    ),
    "with a changed signature": tokens.withChangedCharacter(good, good.length - 20),
    "with a changed payload": tokens.rawToken(
      headerPart,
      tokens.base64url(JSON.stringify(payload())),
      signaturePart,
    ),
    "without a signature": `${headerPart}.${payloadPart}.`,
    "of an unknown algorithm": make({}, { header: { alg: text("alg") } }),
    "of another algorithm": make({}, { header: { alg: "RS256" } }),
    "of another type": make({}, { header: { typ: text("typ") } }),
    "of the proof's type": make({}, { header: { typ: "portcullis-proof+jwt" } }),
    "with a critical extension": make({}, { header: { crit: [text("crit")] } }),
    "with a key in its header": make(
      {},
      { header: { jku: `https://${text("jku")}.example`, jwk: { k: text("jwk") } } },
    ),
    "with a long kid": make({}, { header: { kid: text("kid").repeat(100) } }),
    "with a kid that is a line of the log": make(
      {},
      { header: { kid: `\r\n{"event":"${text("line")}"}` } },
    ),
    "with a claim of 9 KiB": make({ custom: text("oversized").repeat(250) }),
    "with control characters in a claim": make({ custom: `a\r\nX-Evil: ${text("controls")}\0` }),
    "with claims of the wrong type": make({
      exp: text("exp"),
      iat: text("iat"),
      nbf: text("nbf"),
    }),
    "with a sub of the wrong type": make({ sub: { [text("key of sub")]: text("value of sub") } }),
    "with a malformed scope": make({ scope: `a  ${text("two spaces")}` }),
    "with scope and scp": make({ scp: [text("scp")] }),
    "bound to a key": make({ cnf: { jkt: text("jkt") } }),
    "with events": make({ events: { [text("event")]: {} } }),
    "with a name twice": make(
      {},
      { payload: `{"sub":"${text("first")}","sub":"${text("second")}"}` },
    ),
    "with a truncated payload": make({}, { payload: `{"sub":"${text("half")}` }),
    "with a payload that is not an object": make({}, { payload: JSON.stringify(text("string")) }),
    "with invalid UTF-8": make(
      {},
      { payload: Buffer.from(`{"sub":"${text("bytes")}\xff"}`, "latin1") },
    ),
    "too large": make({ filler: text("filler").repeat(800) }),
    "of one part": text("one"),
    "of three invalid parts": `${text("part 1")}.${text("part 2")}.${text("part 3")}`.replaceAll(
      " ",
      "-",
    ),
  };
}

/**
 * Sends each token in each place to each path. Returns the number of requests, and those that
 * reached the origin.
 *
 * @param {object} options
 * @param {Running} options.gate
 * @param {Origin} options.origin
 * @param {Canaries} options.canaries
 * @param {Record<string, string>} options.marked
 * @param {string[]} options.paths
 */
async function sendAll({ gate, origin, canaries, marked, paths }) {
  let sent = 0;
  /** @type {{name: string, place: string, path: string, request: Received}[]} */
  const reached = [];
  const answers = new Map();
  for (const [name, token] of Object.entries(marked)) {
    for (const [place, put] of Object.entries(PLACES)) {
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
        answers.set(told(response), `the response to a token ${name} in ${place} for ${path}`);
        assert.ok(
          response.status < 500,
          `${response.status} to a token ${name} in ${place} for ${path}`,
        );
        sent += 1;
        reached.push(...seen.map((request) => ({ name, place, path, request })));
      }
    }
  }
  // The origin of the tests does not repeat requests, so a canary in a response would come from the
  // gate.
  for (const [text, what] of answers) canaries.expectNoneIn(what, text);
  return { sent, reached };
}

/**
 * Adds the signatures of the tokens to the canaries. The other segments already contain canaries.
 *
 * @param {Canaries} canaries
 * @param {Record<string, string>} marked
 */
function keepSignatures(canaries, marked) {
  for (const [name, token] of Object.entries(marked)) {
    const [, , signature] = tokens.segments(token);
    if (signature) canaries.keep(`the signature of the token ${name}`, signature);
  }
}

const canaries = new Canaries();
const SECRET = canaries.secret("the secret");
const HOP_SECRET = canaries.secret("the hop secret");
const IDENTITY_KEY = String(
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
);
// The first characters of the body are the same for every key.
canaries.keep("the identity key", IDENTITY_KEY.split("\n")[1]?.slice(20) ?? "");
const NONCE_SECRET = canaries.secret("the secret of the nonces");
canaries.keep("the gate's secret at the provider", GATE_SECRET);
const STRICT_SECRET = canaries.secret("the candidate's secret");

/**
 * A candidate policy whose verdicts and identities differ from those of the enforced policy.
 *
 * @param {Origin} origin
 */
const candidate = (origin) => {
  const policy = hs256({
    origin,
    routes: ROUTES,
    forward: { claims: { "X-Auth-Subject": "/tenant" } },
  });
  const [issuer] = policy.issuers;
  issuer.keys = { secret: ["SECRET", "STRICT_SECRET"] };
  issuer.require = ["email"];
  return policy;
};

gateTest(
  "neither the log nor a response contains a value from a token",
  ({ origin }) => ({
    runtime: "workerd",
    policy: verbose({ origin, routes: ROUTES, forward: FORWARD, token: { sources: SOURCES } }),
    vars: { POLICY_CANDIDATE: candidate(origin) },
    secrets: { SECRET, HOP_SECRET, STRICT_SECRET, IDENTITY_KEY },
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

    // The same search finds the values in what the origin receives: unencoded, percent-encoded and
    // in base64url.
    const at = (/** @type {string} */ wanted) => {
      const found = reached.find(({ name, place, path }) => `${name} ${place} ${path}` === wanted);
      assert.ok(found, wanted);
      return found.request;
    };
    const good = at("good authorization /api/a");
    const [, payload, signature] = tokens.segments(marked.good);
    const { sub } = JSON.parse(Buffer.from(payload, "base64url").toString());
    const header = (/** @type {string} */ name) => good.header(name) ?? "";
    assert.equal(header("x-auth-subject"), sub);
    assert.equal(header("x-auth-payload"), payload);
    assert.match(header("x-auth-custom"), /^100%20%25%20f%C3%BCr|^100 %25 f%C3%BCr/);
    assert.deepEqual(
      [
        canaries.in(header("x-auth-subject")).length > 0,
        canaries.in(header("x-auth-payload")).length > 5,
        canaries.in(header("x-auth-custom")).length > 0,
        canaries.in(signature).length > 0,
      ],
      [true, true, true, true],
    );
    const proof = good.header("x-portcullis-proof");
    assert.ok(proof, "the hop proof");
    const [, claimsPart = "", signaturePart = ""] = (good.header("x-identity") ?? "").split(".");
    assert.equal(JSON.parse(Buffer.from(claimsPart, "base64url").toString()).sub, sub);
    const signedByTheGate = reached.flatMap(({ request }) => request.header("x-identity") ?? []);
    assert.ok(signaturePart && signedByTheGate.length > 20);
    for (const [index, text] of signedByTheGate.entries())
      canaries.keep(`the signature of identity ${index}`, tokens.segments(text)[2]);
    assert.ok(
      canaries.in(head(at("expired authorization /report/a"))).length > 0,
      "a request that report mode admits is forwarded with its token",
    );

    await gate.stop();
    assert.equal(decisions(gate.logs).length, sent, "one line for each request");
    const events = new Set(gate.logs.structured.map(({ event }) => event));
    assert.ok(events.has("candidate"), "the candidate policy differs for some requests");
    assert.ok(!gate.logs.text.includes(tokens.segments(proof)[2]), "the proof is in the log");
    canaries.expectNoneIn("the log", gate.logs.text);
    // Every line is a structured line of the gate.
    assert.deepEqual(
      gate.logs.entries.filter(({ json }) => json === undefined),
      [],
    );
  },
);

/** A client whose proofs contain canaries in every place. */
class MarkedClient {
  #key;
  #jwk;
  token = "";

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
    this.#key = privateKey;
    this.#jwk = { crv, kty, x, y };
    for (const [name, text] of Object.entries({ x, y }))
      canaries.keep(`${name} of a client's key`, text ?? "");
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {Record<string, unknown>} [claims]
   * @param {{header?: Record<string, unknown>, jwk?: Record<string, unknown>}} [more]
   */
  proof(method, url, claims = {}, { header = {}, jwk = {} } = {}) {
    const proof = tokens.token({
      alg: "ES256",
      key: this.#key,
      header: { typ: "dpop+jwt", jwk: { ...this.#jwk, ...jwk }, ...header },
      payload: {
        jti: canaries.make("jti of a proof"),
        htm: method,
        htu: url,
        iat: tokens.now(),
        ath: createHash("sha256").update(this.token).digest("base64url"),
        [canaries.make("a name in a proof")]: canaries.make("a value in a proof"),
        ...claims,
      },
    });
    canaries.keep("the signature of a proof", tokens.segments(proof)[2]);
    return proof;
  }
}

providerTest(
  "neither the log nor a response contains anything of an opaque DPoP-bound token or of a proof",
  (site) => {
    const { secrets, ...options } = introspecting({
      ...site,
      issuer: { sender_constrained: "accepted" },
      dpop: { nonce: "NONCE_SECRET" },
      log: { decisions: "all" },
      forward: { identity: { ...FORWARD.identity, claims: ["scope", "client_id"] } },
    });
    return {
      runtime: "workerd",
      ...options,
      secrets: { ...secrets, NONCE_SECRET, IDENTITY_KEY },
    };
  },
  async ({ gate, origin, provider }) => {
    const client = new MarkedClient();
    const endpoint = `${provider.issuer}/token`;
    const granted = await provider.grant({
      headers: { DPoP: client.proof("POST", endpoint, { ath: undefined }) },
      audience: OPAQUE_AUDIENCE,
    });
    assert.equal(granted.token_type, "DPoP");
    client.token = canaries.keep("an opaque token", granted.access_token);
    const thief = new MarkedClient();
    thief.token = client.token;

    const url = `${gate.url}/api/a`;
    let sent = 0;
    const ask = async (/** @type {HeaderLine[]} */ headers) => {
      const response = await gate.raw({ target: "/api/a", headers });
      canaries.expectNoneIn("a response", told(response));
      sent += 1;
      return response;
    };
    const withProofs = (/** @type {string[]} */ ...proofs) =>
      ask([
        ["Authorization", `DPoP ${client.token}`],
        ...proofs.map((proof) => /** @type {HeaderLine} */ (["DPoP", proof])),
      ]);

    const first = await withProofs(client.proof("GET", url));
    await assertProblem(first, 401, { detail: "nonce_required" });
    const nonce = first.header("dpop-nonce") ?? "";
    const good = () => client.proof("GET", url, { nonce });
    const used = good();
    const seen = await assertAdmitted(await withProofs(used), origin);
    const identity = seen.header("x-identity") ?? "";
    canaries.keep("the signature of an identity", tokens.segments(identity)[2]);
    assert.ok(canaries.in(head(seen)).includes("an opaque token"), "the search finds the token");
    assert.ok(canaries.in(head(seen)).includes("the signature of a proof"));
    const marked = canaries.make("marked").replaceAll(" ", "-");
    for (const refused of [
      await withProofs(),
      await withProofs(used),
      await withProofs(good(), good()),
      await withProofs(marked),
      await withProofs(`${good()}A`),
      await withProofs(`${marked}.${marked}.${marked}`),
      await withProofs(thief.proof("GET", url, { nonce })),
      await withProofs(client.proof("GET", url, { nonce: marked })),
      await withProofs(client.proof("GET", url, { nonce, htm: marked })),
      await withProofs(client.proof("GET", `https://${marked}.example/`, { nonce })),
      await withProofs(client.proof("GET", url, { nonce, iat: marked })),
      await withProofs(client.proof("GET", url, { nonce, ath: marked })),
      await withProofs(client.proof("GET", url, { nonce, jti: marked.repeat(9) })),
      await withProofs(client.proof("GET", url, { nonce }, { header: { typ: marked } })),
      await withProofs(client.proof("GET", url, { nonce }, { header: { alg: marked } })),
      await withProofs(client.proof("GET", url, { nonce }, { jwk: { d: marked } })),
      await withProofs(client.proof("GET", url, { nonce }, { jwk: { crv: marked } })),
      await ask([["Authorization", `Bearer ${client.token}`]]),
      await ask([
        ["Authorization", `Bearer ${client.token}`],
        ["DPoP", good()],
      ]),
      await ask([
        ["Authorization", `DPoP ${good()}`],
        ["DPoP", good()],
      ]),
    ]) {
      assert.equal(refused.status, 401, refused.text);
    }
    origin.expectNone();
    // The provider rejects the gate, and says why.
    await gate.moveClock(61);
    const body = { error: "invalid_client", error_description: canaries.make("description") };
    await provider.answerWith(body, { status: 401, path: INTROSPECTION });
    const aged = client.proof("GET", url, { nonce });
    await assertProblem(await withProofs(aged), 503, { detail: "introspection_unavailable" });
    await provider.expectFetches([INTROSPECTION, INTROSPECTION]);

    await gate.stop();
    assert.equal(decisions(gate.logs).length, sent, "one line for each request");
    const codes = new Set(decisions(gate.logs).map(({ code }) => code));
    for (const code of ["missing_proof", "invalid_proof", "proof_replayed", "nonce_required"])
      assert.ok(codes.has(code), code);
    canaries.expectNoneIn("the log", gate.logs.text);
  },
);

// Only Miniflare has KV and a rate limiter. It can lose log lines, so the test waits for those that
// it needs.

const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };
const CLIENT = "the-client-at-the-provider";
const LOGOUT = "/backchannel-logout";

/** @type {[how: string, more: GateOptions][]} */
const STORES = [
  ["works", { kvNamespaces: ["REVOKED"] }],
  [
    "throws errors that contain its arguments",
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
];

for (const [how, more] of STORES) {
  const canaries = new Canaries();
  const secret = canaries.secret("the secret");
  gateTest(
    `revocations, logouts and rate limits do not leak values if the store ${how}`,
    ({ origin }) => ({
      policy: verbose({
        origin,
        revocation: { kv: "REVOKED", logout_path: LOGOUT, logout_audience: CLIENT },
        rate_limit: { binding: "FAILURES" },
      }),
      secrets: { SECRET: secret },
      ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: 15, period: 60 } } },
      ...more,
    }),
    async ({ gate, origin }) => {
      const works = more.kvNamespaces !== undefined;
      const marks = (/** @type {string[]} */ ...names) =>
        Object.fromEntries(names.map((name) => [name, canaries.make(name)]));
      /**
       * @param {{header: object, payload: object}} parts
       * @param {string} [key]
       */
      const make = (parts, key = secret) => tokens.token({ key, ...parts });
      let asked = 0;
      /**
       * @param {string} token
       * @param {string[][]} [headers]
       */
      const ask = async (token, headers = []) => {
        const sent = [["Authorization", `Bearer ${token}`], ...headers];
        const response = await gate.raw({ target: "/api/a", headers: sent });
        canaries.expectNoneIn("a response", told(response));
        asked += 1;
        return response;
      };

      const header = marks("kid");
      const payload = claims(marks("jti", "sub", "sid"));
      const good = await ask(make({ header, payload }));
      if (works) {
        const seen = await assertAdmitted(good, origin);
        assert.equal(seen.header("x-auth-subject"), payload.sub);
        assert.ok(canaries.in(head(seen)).includes("sub"));
      } else {
        await assertProblem(good, 503, { detail: "revocation_unavailable" });
      }

      const store = works ? await gate.miniflare.getKVNamespace("REVOKED") : undefined;
      for (const by of ["jti", "sub", "sid"]) {
        const ids = marks("jti", "sub", "sid");
        await store?.put(`${by}:issuer:${ids[by]}`, canaries.make("the entry's text"));
        const response = await ask(make({ header: marks("kid"), payload: claims(ids) }));
        if (works) assert.match(response.text, /"code":"revoked"/);
        else await assertProblem(response, 503, { detail: "revocation_unavailable" });
      }

      /** @param {Record<string, unknown>} [changes] */
      const logout = (changes) =>
        claims({
          aud: CLIENT,
          iat: tokens.now(),
          events: EVENTS,
          ...marks("jti", "sub", "sid"),
          ...changes,
        });
      const typ = { header: { ...marks("kid"), typ: "logout+jwt" } };
      /** @type {[token: string, status: number][]} */
      const logouts = [
        [make({ ...typ, payload: logout() }), works ? 200 : 503],
        [make({ ...typ, payload: logout(marks("nonce")) }), 400],
        [make({ ...typ, payload: logout(marks("aud")) }), 400],
        [make({ ...typ, payload: logout({ events: marks("event") }) }), 400],
        [make({ ...typ, payload: logout() }, canaries.secret("another secret")), 400],
        [canaries.make("no token"), 400],
      ];
      for (const [token, status] of logouts) {
        for (const [target, expected] of /** @type {const} */ ([
          [LOGOUT, status],
          [`${LOGOUT}?${canaries.make("query")}`, works ? 400 : status],
        ])) {
          const response = await gate.raw({
            method: "POST",
            target,
            headers: [["Content-Type", "application/x-www-form-urlencoded"]],
            body: `logout_token=${token}&${canaries.make("field")}=${canaries.make("value")}`,
          });
          assert.equal(response.status, expected, response.text);
          canaries.expectNoneIn("the response to a logout", told(response));
        }
      }

      // The client's address must not be logged either.
      const address = canaries.keep("the address", "198.51.100.234");
      let limited = 0;
      for (let times = 0; times < 45 && limited === 0; times += 1) {
        const forged = make(
          { header: marks("kid"), payload: claims(marks("sub")) },
          canaries.secret("another secret"),
        );
        const { status } = await ask(forged, [["CF-Connecting-IP", address]]);
        if (status === 429) limited += 1;
        else assert.equal(status, 401);
      }
      assert.equal(limited, 1, "the rate limit applies");
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
      canaries.expectNoneIn("the log", gate.logs.text);
    },
  );
}
