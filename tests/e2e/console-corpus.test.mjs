// The page and the Worker reach the same verdict. This runs the module that a browser loads, and
// compares its verdicts with those of the deployed gate, request by request.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { page, policies, repository, tokens, withGate } from "./harness/index.mjs";

/** @import { KeyObject } from "node:crypto" */
/** @import { Facts, GateModule, HeaderList, Step, Verdict } from "../../console/page.d.ts" */
/** @import { AlgorithmName, Issuer } from "../../policy.d.ts" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Parts, SigningKey } from "./harness/tokens.mjs" */

/** @typedef {{method?: string, path: string, headers: HeaderList}} Asked */

const { claims, SECRET, AUDIENCE } = policies;
const MODULE = path.join(page.directory, "portcullis.js");
const EXPORTS = ["default", "describe", "initSync", "inspect", "judge"];

/**
 * Loads the module that browsers load.
 *
 * @returns {Promise<GateModule>}
 */
async function loaded() {
  const module = await import(MODULE);
  await module.default({
    module_or_path: await readFile(path.join(page.directory, "portcullis_bg.wasm")),
  });
  return module;
}

const rsa = tokens.rsaKeys({ kid: "rsa" });
const other = tokens.rsaKeys({ kid: "rsa" });
/**
 * @param {{privateKey: KeyObject, publicKey: KeyObject}} keys
 * @param {string} kid
 */
const exported = ({ privateKey, publicKey }, kid) => ({
  privateKey,
  jwk: { ...publicKey.export({ format: "jwk" }), kid },
  spki: tokens.pem(publicKey),
});
const p256 = exported(generateKeyPairSync("ec", { namedCurve: "P-256" }), "ec");
const ed = exported(generateKeyPairSync("ed25519"), "ed");

/**
 * An issuer's algorithm and key, and the key of a forger.
 *
 * @typedef {object} Signer
 * @property {AlgorithmName} alg
 * @property {SigningKey} key
 * @property {string} [kid]
 * @property {SigningKey} forger
 */

/** @satisfies {Record<string, Signer>} */
const ISSUERS = {
  hmac: { alg: "HS256", key: SECRET, forger: "another secret, and one that is long enough" },
  rsa: { alg: "RS256", key: rsa.privateKey, kid: "rsa", forger: other.privateKey },
  ec: {
    alg: "ES256",
    key: p256.privateKey,
    forger: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  },
  ed: {
    alg: "EdDSA",
    key: ed.privateKey,
    kid: "ed",
    forger: generateKeyPairSync("ed25519").privateKey,
  },
};

/** @typedef {keyof typeof ISSUERS} Name */

/**
 * @param {Name} name
 * @param {Issuer["keys"]} keys
 * @param {Partial<Issuer>} [more]
 * @returns {Issuer}
 */
const issuerOf = (name, keys, more = {}) => ({
  name,
  issuer: `https://${name}.example/`,
  audience: [AUDIENCE],
  algorithms: [ISSUERS[name].alg],
  keys,
  ...more,
});

/** @param {Origin} origin */
const policy = (origin) => ({
  origin: origin.url,
  issuers: [
    issuerOf("hmac", { secret: "SECRET" }, { max_age: 86_400, require: ["iat"] }),
    issuerOf("rsa", { jwks: "SET" }, { types: ["at+jwt", "jwt"], subject: ["user-1", "user-2"] }),
    issuerOf("ec", { pem: "PEM" }),
    issuerOf("ed", { jwks: { keys: [ed.jwk] } }),
  ],
  routes: [
    { path: "/public/*", access: "public" },
    { path: "/optional/*", access: "optional" },
    { path: "/admin/*", scopes: ["admin"] },
    { path: "/roles/*", roles: ["operator"] },
    { path: "/claims/*", claims: [{ path: "/tenant", equals: "acme" }] },
    { path: "/step-up/*", acr: ["gold"], max_auth_age: 60 },
    { path: "/report/*", scopes: ["admin"], mode: "report" },
    { path: "/rsa-only/*", issuers: ["rsa"] },
    { path: "/read-only/*", methods: ["GET"] },
    { path: "/api/*" },
  ],
  token: { sources: ["authorization", { cookie: "__Host-token" }] },
  forward: {
    claims: { "X-Auth-Subject": "/sub", "X-Auth-Scope": "/scope", "X-Auth-Custom": "/custom" },
  },
  errors: { detail: "reason" },
  log: { decisions: "none" },
});

const bindings = { SECRET, SET: JSON.stringify({ keys: [rsa.jwk] }), PEM: p256.spki };

/**
 * Returns valid and invalid tokens of an issuer, each with a description.
 *
 * @param {Name} name
 * @returns {[what: string, token: string][]}
 */
function tokensOf(name) {
  const { alg, key, kid, forger } = /** @type {Signer} */ (ISSUERS[name]);
  const header = kid === undefined ? {} : { kid };
  const now = tokens.now();
  const say = (changes = {}) => claims({ iss: `https://${name}.example/`, iat: now, ...changes });
  /**
   * @param {Record<string, unknown>} [changes]
   * @param {Partial<Parts> & {header?: object}} [more]
   */
  const make = (changes, { header: more, ...rest } = {}) =>
    tokens.token({ alg, key, header: { ...header, ...more }, payload: say(changes), ...rest });
  const good = make();
  const [head, payload, signature] = tokens.segments(good);
  const raw = (/** @type {string} */ text) => tokens.token({ alg, key, header, payload: text });
  return Object.entries({
    good,
    "with another scope": make({ scope: "read admin", tenant: "acme", roles: ["operator"] }),
    "of a recent login with acr gold": make({ acr: "gold", auth_time: now }),
    "of an old login with acr gold": make({ acr: "gold", auth_time: now - 9999 }),
    expired: make({ exp: now - 999 }),
    "without exp": make({ exp: undefined }),
    "not yet valid": make({ nbf: now + 999 }),
    "issued in the future": make({ iat: now + 999 }),
    "issued long ago": make({ iat: now - 99_999 }),
    "without iat": make({ iat: undefined }),
    "of an unknown issuer": make({ iss: "https://nobody.example/" }),
    "without iss": make({ iss: undefined }),
    "for another audience": make({ aud: "other" }),
    "without an audience": make({ aud: undefined }),
    "for two audiences": make({ aud: ["other", AUDIENCE] }),
    "for another subject": make({ sub: "somebody" }),
    "without sub": make({ sub: undefined }),
    "with exp of the wrong type": make({ exp: "1" }),
    "bound to a key": make({ cnf: { jkt: "x" } }),
    "with a malformed scope": make({ scope: "a  b" }),
    "with both scope and scp": make({ scope: "a", scp: ["b"] }),
    "with a claim that is too long": make({ custom: "x".repeat(9000) }),
    "with an unsafe integer": make({ custom: 2 ** 60 }),
    "with a custom claim": make({ custom: "für 100 %" }),
    "with another typ": make({}, { header: { typ: "logout+jwt" } }),
    "with the typ of an access token": make({}, { header: { typ: "at+jwt" } }),
    "with cty JWT": make({}, { header: { cty: "JWT" } }),
    "with alg none": make({}, { header: { alg: "none" } }),
    "with an unknown algorithm": make({}, { header: { alg: "XX256" } }),
    "with another algorithm": make({}, { header: { alg: alg === "HS256" ? "RS256" : "HS256" } }),
    "with an unknown kid": make({}, { header: { kid: "unknown" } }),
    "with a kid that is no string": make({}, { header: { kid: 1 } }),
    "with crit": make({}, { header: { crit: ["exp"] } }),
    forged: make({}, { key: forger }),
    "with a changed signature": tokens.withChangedCharacter(good, good.length - 20),
    "with changed spare bits": tokens.withChangedLowBit(good, good.length - 1),
    "with a changed payload": `${head}.${tokens.base64url(JSON.stringify(say({ sub: "admin" })))}.${signature}`,
    "without a signature": `${head}.${payload}.`,
    "with two segments": `${head}.${payload}`,
    "with four segments": `${good}.x`,
    "with five segments": `${good}.x.y`,
    "with padding": `${good}==`,
    "with a payload that is no object": raw("[]"),
    "with a repeated name in the payload": raw(
      `{"iss":"https://${name}.example/","exp":1,"exp":2}`,
    ),
    "too large": make({ custom: "x".repeat(17_000) }),
    "with a character outside of base64url": `${head}!${payload}`,
  }).map(([what, token]) => [`${name}: ${what}`, token]);
}

/**
 * @param {string} token
 * @returns {HeaderList}
 */
const bearer = (token) => [["Authorization", `Bearer ${token}`]];

/**
 * Returns requests with valid tokens or none, each with a description.
 *
 * @returns {[what: string, asked: Asked][]}
 */
function requestsAround() {
  const now = tokens.now();
  const good = tokens.token({
    key: SECRET,
    payload: claims({ iss: "https://hmac.example/", iat: now }),
  });
  /** @type {[what: string, asked: Asked][]} */
  const rows = [];
  for (const path of [
    "/public/a",
    "/optional/a",
    "/admin/a",
    "/roles/a",
    "/claims/a",
    "/step-up/a",
    "/report/a",
    "/rsa-only/a",
    "/nowhere",
  ]) {
    rows.push(
      [`a valid token on ${path}`, { path, headers: bearer(good) }],
      [`no token on ${path}`, { path, headers: [] }],
    );
  }
  /** @type {HeaderList[number]} */
  const cookie = ["Cookie", `__Host-token=${good}`];
  return [
    ...rows,
    [
      "a method that the route does not allow",
      { method: "POST", path: "/read-only/a", headers: bearer(good) },
    ],
    ["another scheme", { path: "/api/a", headers: [["Authorization", "Basic dTpw"]] }],
    ["a scheme without a token", { path: "/api/a", headers: [["Authorization", "Bearer"]] }],
    ["two tokens", { path: "/api/a", headers: [...bearer(good), cookie] }],
    ["a cookie", { path: "/api/a", headers: [cookie] }],
    [
      "a cookie from another site",
      { method: "POST", path: "/api/a", headers: [cookie, ["Origin", "https://evil.example"]] },
    ],
    ["an encoded dot", { path: "/api/%2ea", headers: bearer(good) }],
    ["an encoded slash", { path: "/api/a%2fb", headers: bearer(good) }],
    ["a double slash", { path: "/api//a", headers: bearer(good) }],
  ];
}

const names = /** @type {Name[]} */ (Object.keys(ISSUERS));

/** @type {[what: string, asked: Asked][]} */
const corpus = [
  ...names.flatMap(tokensOf).map(
    /** @returns {[string, Asked]} */
    ([what, token]) => [what, { path: "/api/a", headers: bearer(token) }],
  ),
  ...requestsAround(),
];

/** The reason codes that the corpus must reach, so that it does not shrink unnoticed. */
const CODES = [
  "ambiguous_path",
  "no_route",
  "method_not_allowed",
  "missing_token",
  "multiple_tokens",
  "malformed_authorization",
  "token_too_large",
  "cross_site",
  "malformed_token",
  "unsupported_critical",
  "algorithm_not_allowed",
  "unknown_key",
  "unknown_issuer",
  "bad_signature",
  "wrong_type",
  "wrong_audience",
  "expired",
  "not_yet_valid",
  "too_old",
  "missing_claim",
  "invalid_claim",
  "insufficient_scope",
  "claim_not_allowed",
  "insufficient_user_authentication",
];

withGate(
  "the verdicts of the page and of the Worker",
  ({ origin }) => ({
    policy: policy(origin),
    secrets: bindings,
    vars: { CONSOLE: "on" },
    assets: page,
  }),
  (test) => {
    test("match what the Worker does with the real request, for every token", async ({
      gate,
      origin,
    }) => {
      const { judge, describe: describes } = await loaded();
      /** @type {Facts} */
      const facts = await (await gate.fetch("/_portcullis/gate.json")).json();
      assert.deepEqual([facts.faults, facts.secrets], [[], ["SECRET"]]);
      const anyRequest = { method: "GET", url: `${gate.url}/`, headers: [] };
      const described = describes({ ...facts, ...anyRequest }, Date.now());
      assert.deepEqual(
        described.issuers?.map(({ name, source, withheld, keys }) => [
          name,
          source,
          withheld,
          keys.length,
        ]),
        [
          ["hmac", "secret", true, 0],
          ["rsa", "jwks", false, 1],
          ["ec", "pem", false, 1],
          ["ed", "jwks", false, 1],
        ],
      );
      const reached = new Set();
      const differences = [];
      for (const [what, { method = "GET", path: target, headers }] of corpus) {
        const real = await gate.raw({ method, target, headers });
        const seen = {
          status: real.status,
          code: real.status === 200 ? null : JSON.parse(real.text).code,
        };
        const forwarded = origin.take();
        const question = { ...facts, method, url: `${gate.url}${target}`, headers };
        const mine = judge({ ...question, bindings: { SECRET } }, Date.now());
        const body = JSON.stringify({ method, url: question.url, headers });
        const asked = await gate.fetch("/_portcullis/judge", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body,
        });
        const workers = judge({ ...question, answered: await asked.json() }, Date.now());
        /** @type {[whose: string, verdict: Verdict][]} */
        const verdicts = [
          ["the page's", mine],
          ["the Worker's", workers],
        ];
        for (const [whose, verdict] of verdicts) {
          const code = verdict.refusal?.code ?? null;
          const status = verdict.refusal?.status ?? (verdict.verdict === "admitted" ? 200 : null);
          if (status !== seen.status || code !== seen.code)
            differences.push(
              `${what}: ${whose} ${status} ${code}, the gate ${seen.status} ${seen.code}`,
            );
          const failed = steps(verdict).filter(({ state }) => state === "failed");
          assert.equal(
            failed.length,
            verdict.refusal || verdict.reported ? 1 : 0,
            `${what}: ${JSON.stringify(verdict.steps)}`,
          );
          if (verdict.refusal)
            assert.deepEqual(
              [failed[0]?.code, failed[0]?.because],
              [code, verdict.refusal.because],
              what,
            );
        }
        assert.deepEqual(
          steps(mine).map(({ name, state }) => [name, state]),
          steps(workers).map(({ name, state }) => [name, state]),
          what,
        );
        assert.equal(forwarded.length, seen.status === 200 ? 1 : 0, what);
        if (mine.outgoing) {
          // The headers that the page shows as set are the headers that the origin received.
          for (const [name, value] of mine.outgoing.set.filter(([name]) =>
            name.startsWith("X-Auth-"),
          )) {
            assert.equal(forwarded[0]?.header(name), value, `${what}: ${name}`);
          }
        }
        // Without the secret, the page does not guess: its verdict is that of the gate, or it is
        // unknown.
        const blind = judge(question, Date.now());
        if (blind.verdict !== "unknown") assert.equal(blind.refusal?.code ?? null, seen.code, what);
        if (seen.code !== null) reached.add(seen.code);
      }
      assert.deepEqual(differences, []);
      assert.deepEqual(
        CODES.filter((code) => !reached.has(code)),
        [],
      );
      assert.ok(corpus.length >= 200, `${corpus.length} requests`);
    });
  },
);

/**
 * @param {Verdict} verdict
 * @returns {Step[]}
 */
function steps(verdict) {
  return verdict.steps ?? [];
}

describe("the exports of the built modules", () => {
  it("only the page's module exports the page's functions", async () => {
    assert.deepEqual(Object.keys(await loaded()).sort(), [...EXPORTS].sort());
    const worker = await WebAssembly.compile(
      await readFile(path.join(repository, "build/index_bg.wasm")),
    );
    const exported = WebAssembly.Module.exports(worker).map(({ name }) => name);
    for (const name of ["judge", "describe", "inspect"]) assert.ok(!exported.includes(name), name);
    // wasm-bindgen writes a function for every export of the module.
    const script = await readFile(path.join(repository, "build/index.js"), "utf8");
    for (const name of ["judge", "describe", "inspect"])
      assert.doesNotMatch(
        script,
        new RegExp(`prototype\\.${name}\\b|^\\s*(async\\s+)?${name}\\(`, "m"),
      );
    const browsers = await WebAssembly.compile(
      await readFile(path.join(page.directory, "portcullis_bg.wasm")),
    );
    const imported = WebAssembly.Module.exports(browsers).map(({ name }) => name);
    for (const name of ["judge", "describe", "inspect"]) assert.ok(imported.includes(name), name);
    assert.ok(!imported.includes("fetch"));
  });
});
