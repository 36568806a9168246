// The console. It is available only while CONSOLE is "on" and only to pages of its own origin, and
// no response contains a secret.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { Canaries, told } from "./harness/canaries.mjs";
import {
  assertAdmitted,
  assertProblem,
  gateTest,
  page,
  policies,
  tokens,
  withGate,
} from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { claims, hs256, hs256Token, SECRET } = policies;
const ROOT = "/_portcullis";
const FILES = ["/", "/index.html", "/portcullis.js", "/portcullis_bg.wasm"];
const JSON_TYPE = { "Content-Type": "application/json" };

const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** @type {Record<string, string>} */
const HEADERS = {
  "content-security-policy": CSP,
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * The console is on.
 *
 * @param {{origin: Origin} & GateOptions} options
 * @returns {GateOptions}
 */
const on = ({ origin, policy, ...more }) => ({
  policy: policy ?? hs256({ origin }),
  secrets: { SECRET },
  vars: { CONSOLE: "on" },
  assets: page,
  ...more,
});

/**
 * @param {Running} gate
 * @param {string} name
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 */
const post = (gate, name, body, headers = {}) =>
  gate.fetch(`${ROOT}/${name}`, {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body: isText(body) ? body : JSON.stringify(body),
  });

/**
 * @param {unknown} body
 * @returns {body is string | Uint8Array<ArrayBuffer>}
 */
const isText = (body) => typeof body === "string" || body instanceof Uint8Array;

/**
 * Asserts the status, the headers of every response of the console, and problem details if the
 * status is an error.
 *
 * @param {Response} response
 * @param {number} status
 */
async function assertAnswer(response, status, why = "") {
  const text = await response.text();
  assert.equal(response.status, status, `${why} ${text.slice(0, 500)}`);
  for (const [name, value] of Object.entries(HEADERS))
    assert.equal(response.headers.get(name), value, `${why} ${name}`);
  for (const name of response.headers.keys()) assert.doesNotMatch(name, /^access-control-/, why);
  if (status >= 400) assert.equal(JSON.parse(text).status, status, why);
  return text;
}

/**
 * A request as the page describes it.
 *
 * @param {string} token
 * @param {object} [changes]
 */
const described = (token, changes = {}) => ({
  method: "GET",
  url: "https://gate.example/api/a",
  headers: [["Authorization", `Bearer ${token}`]],
  ...changes,
});

withGate("the console while it is on", on, (test) => {
  test("serves the files of the page with security headers", async ({ gate }) => {
    for (const file of FILES) {
      await assertAnswer(await gate.fetch(ROOT + file), 200, file);
      assert.equal(
        await assertAnswer(await gate.fetch(ROOT + file, { method: "HEAD" }), 200, file),
        "",
        file,
      );
    }
    const type = async (/** @type {string} */ file) =>
      (await gate.fetch(ROOT + file)).headers.get("content-type") ?? "";
    assert.match(await type("/"), /^text\/html/);
    assert.match(await type("/portcullis.js"), /^(text|application)\/javascript/);
    assert.equal(await type("/portcullis_bg.wasm"), "application/wasm");
    const moved = await gate.fetch(ROOT);
    assert.equal(moved.headers.get("location"), `${ROOT}/`);
    await assertAnswer(moved, 308);
  });

  test("serves no other files, whatever their names", async ({ gate }) => {
    const names = [
      "/nothing",
      "/_headers",
      "/..%2f",
      "/a/b",
      "/%69ndex.html",
      "//index.html",
      "/index.html/",
    ];
    for (const name of names) await assertAnswer(await gate.fetch(ROOT + name), 404, name);
    await assertAnswer(await gate.fetch(`${ROOT}/index.html?a=b/../x`), 200);
  });

  test("serves the assets under no other path", async ({ gate }) => {
    for (const path of [
      "/index.html",
      "/portcullis.js",
      "/portcullis_bg.wasm",
      "/_portcullisx/index.html",
    ]) {
      await assertProblem(await gate.fetch(path), 404);
    }
  });

  test("rejects other methods and lists the allowed ones", async ({ gate }) => {
    /** @type {[name: string, method: string, allow: string][]} */
    const rows = [
      ["/", "POST", "GET, HEAD"],
      ["/index.html", "DELETE", "GET, HEAD"],
      ["/gate.json", "POST", "GET, HEAD"],
      ["/health", "POST", "GET, HEAD"],
      ["/judge", "GET", "POST"],
      ["/judge", "OPTIONS", "POST"],
    ];
    for (const [name, method, allow] of rows) {
      const response = await gate.fetch(ROOT + name, { method });
      assert.equal(response.headers.get("allow"), allow, `${method} ${name}`);
      await assertAnswer(response, 405, `${method} ${name}`);
    }
  });

  test("rejects requests from other sites", async ({ gate }) => {
    /** @type {Record<string, string>[]} */
    const foreign = [
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: gate.url.replace("http:", "https:") },
    ];
    for (const headers of foreign) {
      const why = JSON.stringify(headers);
      for (const name of [...FILES, "/gate.json"])
        await assertAnswer(await gate.fetch(ROOT + name, { headers }), 403, why);
      await assertAnswer(await post(gate, "judge", described(hs256Token()), headers), 403, why);
    }
    /** @type {Record<string, string>[]} */
    const own = [
      { "Sec-Fetch-Site": "same-origin", Origin: gate.url },
      { "Sec-Fetch-Site": "none" },
    ];
    for (const headers of own) {
      await assertAnswer(await gate.fetch(`${ROOT}/gate.json`, { headers }), 200);
    }
  });

  test("rejects another host name that resolves to the gate (DNS rebinding)", async ({ gate }) => {
    const host = `rebound.example:${gate.address.port}`;
    for (const headers of [[], [["Origin", `http://${host}`]]]) {
      const response = await gate.raw({ target: `${ROOT}/gate.json`, host, headers });
      assert.equal(response.status, 403, response.text);
    }
  });

  test("gate.json contains the policy and the names of secrets", async ({ gate }) => {
    const facts = JSON.parse(await assertAnswer(await gate.fetch(`${ROOT}/gate.json`), 200));
    assert.deepEqual(Object.keys(facts).sort(), [
      "faults",
      "keys",
      "mint",
      "now",
      "policy",
      "secrets",
      "version",
      "warnings",
    ]);
    assert.deepEqual(
      [facts.faults, facts.warnings, facts.secrets, facts.keys, facts.mint],
      [[], [], ["SECRET"], {}, false],
    );
    assert.equal(facts.policy.issuers[0].keys.secret, "SECRET");
    assert.ok(Math.abs(facts.now - Date.now()) < 60_000);
  });

  test("returns the verdict on a described request and forwards nothing", async ({ gate }) => {
    const judged = async (/** @type {string} */ token, changes = {}) =>
      JSON.parse(await assertAnswer(await post(gate, "judge", described(token, changes)), 200));
    const good = await judged(hs256Token());
    assert.deepEqual([good.code, good.issuer, good.alg], [undefined, "issuer", "HS256"]);
    assert.match(good.outgoing.url, /\/api\/a$/);
    const expired = await judged(hs256Token({ exp: 1 }));
    assert.deepEqual(
      [expired.code, expired.step, expired.response.status],
      ["expired", "time", 401],
    );
    assert.equal(
      (await judged(hs256Token(), { url: "https://gate.example/nowhere" })).code,
      "no_route",
    );
  });

  test("rejects malformed bodies with 400", async ({ gate }) => {
    const rows = [
      "",
      "{",
      "null",
      "[]",
      "1",
      '"a"',
      "{}",
      '{"method":1}',
      '{"method":"GET"}',
      '{"method":"GET","url":"x","headers":1}',
      '{"method":"GET","url":"x","headers":[["a"]]}',
      "[".repeat(100),
      '{"method":"GET","method":"GET","url":"x"}',
      `{"a":"${"x".repeat(33_000)}"}`,
      new Uint8Array([0xff, 0xfe, 0]),
    ];
    for (const body of rows) {
      await assertAnswer(await post(gate, "judge", body), 400, String(body).slice(0, 60));
    }
    const typed = await post(gate, "judge", described("x"), { "Content-Type": "text/plain" });
    await assertAnswer(typed, 400);
    const odd = [
      { method: "", url: "" },
      {
        method: "GET",
        url: "\0",
        headers: [
          ["", ""],
          ["a\nb", "\u{1f6aa}"],
        ],
      },
    ];
    for (const body of odd) await assertAnswer(await post(gate, "judge", body), 200);
  });

  test("does not mint tokens", async ({ gate }) => {
    await assertAnswer(await post(gate, "mint", { issuer: "issuer", claims: {} }), 405);
    assert.equal((await gate.fetch(`${ROOT}/mint`)).status, 404);
  });

  test("leaves other requests unaffected", async ({ gate, origin }) => {
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    await assertProblem(await gate.fetch("/_portcullis-other"), 404);
  });
});

withGate(
  "the console with minting on",
  (site) => on({ ...site, vars: { CONSOLE: "on", CONSOLE_MINT: "on" } }),
  (test) => {
    test("mints a token that is signed with the issuer's secret", async ({ gate, origin }) => {
      const wanted = { issuer: "issuer", claims: claims(), header: { kid: "k", alg: "none" } };
      const { token } = JSON.parse(await assertAnswer(await post(gate, "mint", wanted), 200));
      const header = JSON.parse(Buffer.from(tokens.segments(token)[0], "base64url").toString());
      assert.deepEqual(header, { alg: "HS256", kid: "k", typ: "JWT" });
      await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
      assert.equal(JSON.parse(await (await gate.fetch(`${ROOT}/gate.json`)).text()).mint, true);
    });

    test("warns that clients choose the host name that allows minting", async ({ gate }) => {
      await gate.logs.waitFor(({ structured }) =>
        structured.some(({ event, path }) => event === "policy_warning" && path === "CONSOLE_MINT"),
      );
    });

    test("rejects an unusable request to mint with 400", async ({ gate }) => {
      for (const body of [
        {},
        { issuer: "other", claims: {} },
        { issuer: "issuer" },
        { issuer: "issuer", claims: [] },
        "x",
      ]) {
        await assertAnswer(await post(gate, "mint", body), 400, JSON.stringify(body));
      }
      await assertAnswer(
        await post(
          gate,
          "mint",
          { issuer: "issuer", claims: {} },
          { Origin: "https://evil.example" },
        ),
        403,
      );
    });
  },
);

gateTest(
  "minting requires the console",
  ({ origin }) => ({ ...on({ origin }), vars: { CONSOLE_MINT: "on" } }),
  async ({ gate }) => {
    await assertProblem(await post(gate, "mint", { issuer: "issuer", claims: {} }), 404);
  },
);

/** @type {[name: string, vars: Record<string, unknown>][]} */
const OFF = [
  ["is not set", {}],
  ["is off", { CONSOLE: "off" }],
  ["is true", { CONSOLE: true }],
  ["has another case", { CONSOLE: "On" }],
];
for (const [name, vars] of OFF) {
  gateTest(
    `the console is unavailable while CONSOLE ${name}`,
    (site) => on({ ...site, vars }),
    async ({ gate }) => {
      for (const file of ["", ...FILES, "/gate.json", "/health", "/judge", "/mint"]) {
        await assertProblem(await gate.fetch(ROOT + file), 404, { why: file });
        await assertProblem(await gate.fetch(ROOT + file, { method: "POST" }), 404, { why: file });
      }
    },
  );
}

gateTest(
  "gate.json contains only the faults of a faulty policy",
  ({ origin }) => {
    const policy = hs256({ origin });
    policy.issuers[0].keys = { secret: "not a name but the secret itself, pasted here" };
    return on({ origin, policy });
  },
  async ({ gate }) => {
    const text = await assertAnswer(await gate.fetch(`${ROOT}/gate.json`), 200);
    /** @type {{policy: unknown, faults: {path: string}[]}} */
    const { policy, faults } = JSON.parse(text);
    assert.deepEqual([policy, faults.map(({ path }) => path)], [null, ["issuers[0].keys.secret"]]);
    assert.doesNotMatch(text, /the secret itself/);
    await assertAnswer(await post(gate, "judge", described("a.b.c")), 400);
    assert.equal((await gate.fetch(`${ROOT}/health`)).status, 500);
    await assertAnswer(await gate.fetch(`${ROOT}/`), 200);
  },
);

const canaries = new Canaries();

/** The URL of the requests that are described to the console. */
const DESCRIBED_URL = "https://gate.example/api/a";

/**
 * Makes a token that is bound to a new key, and a function that makes proofs by this key.
 *
 * @param {string} secret the secret that signs the token
 */
function boundClient(secret) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  const jwk = { crv, kty, x, y };
  const sha256 = (/** @type {string} */ text) =>
    createHash("sha256").update(text).digest("base64url");
  const jkt = canaries.keep("the thumbprint of a client's key", sha256(JSON.stringify(jwk)));
  const token = tokens.token({
    key: secret,
    payload: {
      iss: "https://secrets.example/",
      aud: "a",
      sub: "u",
      exp: tokens.now() + 600,
      cnf: { jkt },
    },
  });
  canaries.keep("the signature of a bound token", tokens.segments(token)[2]);
  /** @param {string} [nonce] */
  const prove = (nonce) => {
    const proof = tokens.token({
      alg: "ES256",
      key: privateKey,
      header: { typ: "dpop+jwt", jwk },
      payload: {
        jti: canaries.make("the jti of a proof"),
        htm: "GET",
        htu: DESCRIBED_URL,
        iat: tokens.now(),
        ath: sha256(token),
        ...(nonce === undefined ? {} : { nonce }),
      },
    });
    canaries.keep("the signature of a proof", tokens.segments(proof)[2]);
    return proof;
  };
  return { token, prove };
}

/**
 * @param {string} name
 * @param {Response} response
 */
async function assertNoCanary(name, response) {
  const headerLines = [...response.headers].map(([header, value]) => `${header}: ${value}`);
  const { status } = response;
  canaries.expectNoneIn(name, told({ status, headerLines, text: await response.text() }));
}

const secret = canaries.secret("a secret");

gateTest(
  "no response of the console contains a secret",
  ({ origin }) => {
    const { privateKey, jwk, spki } = tokens.rsaKeys({ kid: "one" });
    const pem = (/** @type {string} */ name) => {
      const text = String(
        generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }),
      );
      // The first characters of the body are the same for every key.
      canaries.keep(name, text.split("\n")[1]?.slice(20) ?? "");
      return text;
    };
    const secrets = {
      SECRET: secret,
      OLD_SECRET: canaries.secret("an older secret"),
      HOP_SECRET: canaries.secret("the proof's secret"),
      OTHER: canaries.secret("a secret that the policy does not name"),
      INTROSPECTION_SECRET: canaries.secret("the gate's secret at its provider"),
      NONCE_SECRET: canaries.secret("the secret of the nonces"),
      IDENTITY_KEY: pem("the key of signed identities"),
      OLD_IDENTITY_KEY: pem("an older key of signed identities"),
      INTROSPECTION_KEY: pem("the gate's key at another provider"),
    };
    /**
     * @param {string} name
     * @param {object} credentials
     */
    const introspecting = (name, credentials) => ({
      name,
      issuer: `https://${name}.example/`,
      audience: ["a"],
      // Nothing listens there.
      introspection: {
        endpoint: "http://127.0.0.1:1/introspect",
        client_id: "gate",
        ...credentials,
      },
    });
    const oct = (/** @type {string} */ name) => ({
      kty: "oct",
      kid: "k",
      k: canaries.keep(name, tokens.base64url(canaries.make(name))),
    });
    const exported = privateKey.export({ format: "jwk" });
    for (const name of /** @type {const} */ (["d", "p", "q", "dp", "dq", "qi"]))
      canaries.keep(`member ${name} of a private key`, /** @type {string} */ (exported[name]));
    /**
     * @param {string} name
     * @param {string[]} algorithms
     * @param {object} keys
     */
    const issuer = (name, algorithms, keys) => ({
      name,
      issuer: `https://${name}.example/`,
      audience: ["a"],
      algorithms,
      keys,
    });
    const policy = {
      ...hs256({ origin }),
      issuers: [
        issuer("secrets", ["HS256"], { secret: ["SECRET", "OLD_SECRET"] }),
        issuer("set", ["HS256"], { jwks: "SECRET_SET" }),
        issuer("inline", ["HS256"], { jwks: { keys: [oct("a secret in the policy")] } }),
        issuer("mixed", ["RS256"], {
          jwks: { keys: [jwk, { ...exported, kid: "private" }, oct("a secret among keys")] },
        }),
        issuer("bound", ["RS256"], { jwks: "SET" }),
        issuer("pem", ["RS256"], { pem: "PEM" }),
        {
          ...introspecting("INTROSPECTION", { client_secret: "INTROSPECTION_SECRET" }),
          sender_constrained: "required",
        },
        introspecting("other", { private_key: "INTROSPECTION_KEY" }),
      ],
      routes: [
        {
          path: "/api/*",
          issuers: ["secrets", "set", "inline", "mixed", "bound", "pem", "INTROSPECTION"],
        },
        { path: "/other/*", issuers: ["other"] },
      ],
      dpop: { nonce: "NONCE_SECRET" },
      forward: {
        proof: { secret: "HOP_SECRET" },
        identity: {
          key: ["IDENTITY_KEY", "OLD_IDENTITY_KEY"],
          issuer: "https://gate.example.com",
          audience: "https://internal.example",
        },
      },
    };
    Object.assign(policy.issuers[0] ?? {}, { sender_constrained: "accepted" });
    const set = (/** @type {object[]} */ ...keys) => JSON.stringify({ keys });
    const bindings = {
      ...secrets,
      SECRET_SET: set(oct("a secret in a bound set")),
      SET: set(
        jwk,
        { ...exported, kid: "private" },
        { ...jwk, kid: "marked", "x-note": canaries.make("a stranger's member") },
      ),
      PEM: `${canaries.make("a note beside a key")}\n${spki}`,
    };
    return on({
      origin,
      policy,
      vars: { CONSOLE: "on", CONSOLE_MINT: "on", ...bindings },
      secrets: {},
    });
  },
  async ({ gate, origin }) => {
    const client = boundClient(secret);
    const proved = (/** @type {string} */ scheme, /** @type {string} */ proof) =>
      described("", {
        headers: [
          ["Authorization", `${scheme} ${client.token}`],
          ["DPoP", proof],
        ],
      });
    for (const name of [...FILES, "/gate.json", "/health", "/judge", "/mint", "/OTHER"])
      await assertNoCanary(name, await gate.fetch(ROOT + name));
    /** @type {[name: string, body: unknown][]} */
    const posts = [
      ["judge", described("a.b.c")],
      ...["secrets", "set", "inline", "mixed", "bound", "pem"].map(
        /** @returns {[string, unknown]} */
        (name) => [
          "judge",
          described(
            tokens.token({
              key: "another secret, and one that is long enough",
              payload: { iss: `https://${name}.example/`, aud: "a", exp: 1 },
            }),
          ),
        ],
      ),
      ...["secrets", "set", "inline", "pem", "nobody"].map(
        /** @returns {[string, unknown]} */
        (issuer) => ["mint", { issuer, claims: { sub: "a" } }],
      ),
      ["judge", "{"],
      ["mint", { issuer: "secrets", claims: "x" }],
      // The provider does not answer.
      ["judge", described(canaries.secret("an opaque token"))],
      [
        "judge",
        described(canaries.secret("another opaque token"), { url: "https://gate.example/other/a" }),
      ],
      ...[{ scheme: "DPoP" }, { scheme: "Bearer" }, { more: "A" }, { nonce: "unknown" }].map(
        /** @returns {[string, unknown]} */
        ({ scheme = "DPoP", more = "", nonce }) => [
          "judge",
          proved(scheme, `${client.prove(nonce)}${more}`),
        ],
      ),
    ];
    for (const [name, body] of posts) await assertNoCanary(name, await post(gate, name, body));
    // With the nonce that the gate asks for, the request passes, and an identity is signed.
    const first = await (await post(gate, "judge", proved("DPoP", client.prove()))).json();
    assert.equal(first.code, "nonce_required");
    const { "dpop-nonce": nonce } = Object.fromEntries(
      first.response.headers.map(([name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    const passed = await post(gate, "judge", proved("DPoP", client.prove(nonce)));
    await assertNoCanary("judge", passed.clone());
    const { outgoing } = await passed.json();
    assert.ok(outgoing, "the request passes");
    const { authorization = "" } = Object.fromEntries(
      outgoing.set.map(([name = "", value = ""]) => [name.toLowerCase(), value]),
    );
    assert.match(authorization, /^\(a JWT that the gate signs\) \{/);
    // The same through the gate itself.
    const refused = await gate.raw({
      target: "/api/a",
      headers: [
        ["Authorization", `DPoP ${client.token}`],
        ["DPoP", client.prove(nonce)],
      ],
    });
    assert.equal(refused.status, 401, "the proof is for another URL");
    canaries.expectNoneIn("the response of the gate", told(refused));
    origin.expectNone();
    const { policy, secrets, keys } = await (await gate.fetch(`${ROOT}/gate.json`)).json();
    assert.deepEqual(secrets, [
      "SECRET",
      "OLD_SECRET",
      "SECRET_SET",
      "issuers[2].keys.jwks",
      "INTROSPECTION_SECRET",
      "INTROSPECTION_KEY",
      "HOP_SECRET",
      "NONCE_SECRET",
      "IDENTITY_KEY",
      "OLD_IDENTITY_KEY",
    ]);
    assert.equal(policy.issuers[2].keys.jwks, "issuers[2].keys.jwks");
    assert.deepEqual(Object.keys(keys).sort(), ["bound", "mixed", "pem"]);
    assert.deepEqual(
      keys.mixed.skipped.map((/** @type {{index: number}} */ { index }) => index),
      [1, 2],
    );
    const logged = gate.logs.entries.map(({ message }) => message).join("\n");
    canaries.expectNoneIn("the log", logged);
  },
);
