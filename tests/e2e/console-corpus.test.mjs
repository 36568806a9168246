// The page's verdict is the Worker's: the module that a browser loads, loaded here, against the gate as it is deployed, token by token.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, it } from "node:test";
import { page, policies, repository, tokens, withGate } from "./harness/index.mjs";

const { claims, SECRET, AUDIENCE } = policies;
const MODULE = path.join(page.directory, "portcullis.js");
const EXPORTS = ["default", "describe", "initSync", "inspect", "judge"];

async function loaded() {
  const module = await import(MODULE);
  await module.default({
    module_or_path: await readFile(path.join(page.directory, "portcullis_bg.wasm")),
  });
  return module;
}

const rsa = tokens.rsaKeys({ kid: "rsa" });
const other = tokens.rsaKeys({ kid: "rsa" });
const pair = (type, options, kid) => {
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  return {
    privateKey,
    jwk: { ...publicKey.export({ format: "jwk" }), kid },
    spki: publicKey.export({ type: "spki", format: "pem" }),
  };
};
const p256 = pair("ec", { namedCurve: "P-256" }, "ec");
const ed = pair("ed25519", {}, "ed");

/** The issuers: each with who signs for it, and who would like to. */
const ISSUERS = {
  hmac: { alg: "HS256", key: SECRET, forger: "another secret, and one that is long enough" },
  rsa: { alg: "RS256", key: rsa.privateKey, kid: "rsa", forger: other.privateKey },
  ec: {
    alg: "ES256",
    key: p256.privateKey,
    forger: pair("ec", { namedCurve: "P-256" }).privateKey,
  },
  ed: { alg: "EdDSA", key: ed.privateKey, kid: "ed", forger: pair("ed25519", {}).privateKey },
};

const issuerOf = (name, keys, more = {}) => ({
  name,
  issuer: `https://${name}.example/`,
  audience: [AUDIENCE],
  algorithms: [ISSUERS[name].alg],
  keys,
  ...more,
});

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

/** Tokens of an issuer's, good and bad: [what it is, token]. */
function tokensOf(name) {
  const { alg, key, kid, forger } = ISSUERS[name];
  const header = kid === undefined ? {} : { kid };
  const now = tokens.now();
  const say = (changes = {}) => claims({ iss: `https://${name}.example/`, iat: now, ...changes });
  const make = (changes, { header: more, ...rest } = {}) =>
    tokens.token({ alg, key, header: { ...header, ...more }, payload: say(changes), ...rest });
  const good = make();
  const [head, payload, signature] = tokens.segments(good);
  const raw = (text) => tokens.token({ alg, key, header, payload: text });
  return Object.entries({
    good,
    "with another scope": make({ scope: "read admin", tenant: "acme", roles: ["operator"] }),
    "of a fresh, golden login": make({ acr: "gold", auth_time: now }),
    "of an old login": make({ acr: "gold", auth_time: now - 9999 }),
    expired: make({ exp: now - 999 }),
    "without exp": make({ exp: undefined }),
    early: make({ nbf: now + 999 }),
    "issued in the future": make({ iat: now + 999 }),
    "issued long ago": make({ iat: now - 99_999 }),
    "without iat": make({ iat: undefined }),
    "of nobody": make({ iss: "https://nobody.example/" }),
    "without iss": make({ iss: undefined }),
    "for another audience": make({ aud: "other" }),
    "without an audience": make({ aud: undefined }),
    "for two audiences": make({ aud: ["other", AUDIENCE] }),
    "about somebody else": make({ sub: "somebody" }),
    "without sub": make({ sub: undefined }),
    "of a wrong shape": make({ exp: "1" }),
    "bound to a key": make({ cnf: { jkt: "x" } }),
    "of strange scopes": make({ scope: "a  b" }),
    "of two kinds of scope": make({ scope: "a", scp: ["b"] }),
    "with a claim that is too long": make({ custom: "x".repeat(9000) }),
    "with an unsafe integer": make({ custom: 2 ** 60 }),
    "with a custom claim": make({ custom: "für 100 %" }),
    "of another type": make({}, { header: { typ: "logout+jwt" } }),
    "of an access token's type": make({}, { header: { typ: "at+jwt" } }),
    "of a nested token": make({}, { header: { cty: "JWT" } }),
    "of no algorithm": make({}, { header: { alg: "none" } }),
    "of an unknown algorithm": make({}, { header: { alg: "XX256" } }),
    "of another algorithm": make({}, { header: { alg: alg === "HS256" ? "RS256" : "HS256" } }),
    "of an unknown key": make({}, { header: { kid: "unknown" } }),
    "of a kid that is none": make({}, { header: { kid: 1 } }),
    critical: make({}, { header: { crit: ["exp"] } }),
    forged: make({}, { key: forger }),
    "with a changed signature": tokens.withChangedCharacter(good, good.length - 20),
    "with spare bits": tokens.withChangedLowBit(good, good.length - 1),
    "with a changed payload": `${head}.${tokens.base64url(JSON.stringify(say({ sub: "admin" })))}.${signature}`,
    "without a signature": `${head}.${payload}.`,
    "of two segments": `${head}.${payload}`,
    "of four segments": `${good}.x`,
    "of five segments": `${good}.x.y`,
    padded: `${good}==`,
    "of a payload that is no object": raw("[]"),
    "of a payload with a name twice": raw(`{"iss":"https://${name}.example/","exp":1,"exp":2}`),
    "too large": make({ custom: "x".repeat(17_000) }),
    "of other characters": `${head}!${payload}`,
  }).map(([what, token]) => [`${name}: ${what}`, token]);
}

const bearer = (token) => [["Authorization", `Bearer ${token}`]];

/** Requests around good tokens: [what it is, { method, path, headers }]. */
function requestsAround() {
  const now = tokens.now();
  const good = tokens.token({
    key: SECRET,
    payload: claims({ iss: "https://hmac.example/", iat: now }),
  });
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
      [`a good token on ${path}`, { path, headers: bearer(good) }],
      [`no token on ${path}`, { path, headers: [] }],
    );
  }
  const cookie = ["Cookie", `__Host-token=${good}`];
  return [
    ...rows,
    [
      "a method that the route does not take",
      { method: "POST", path: "/read-only/a", headers: bearer(good) },
    ],
    ["another scheme", { path: "/api/a", headers: [["Authorization", "Basic dTpw"]] }],
    ["a scheme without a token", { path: "/api/a", headers: [["Authorization", "Bearer"]] }],
    ["two tokens", { path: "/api/a", headers: [...bearer(good), cookie] }],
    ["a cookie", { path: "/api/a", headers: [cookie] }],
    [
      "a cookie from elsewhere",
      { method: "POST", path: "/api/a", headers: [cookie, ["Origin", "https://evil.example"]] },
    ],
    ["an encoded dot", { path: "/api/%2ea", headers: bearer(good) }],
    ["an encoded slash", { path: "/api/a%2fb", headers: bearer(good) }],
    ["a double slash", { path: "/api//a", headers: bearer(good) }],
  ];
}

const corpus = [
  ...Object.keys(ISSUERS)
    .flatMap(tokensOf)
    .map(([what, token]) => [what, { path: "/api/a", headers: bearer(token) }]),
  ...requestsAround(),
].map(([what, asked]) => [what, { method: "GET", ...asked }]);

/** What must have been reached, lest the corpus shrink unseen. */
const CODES = [
  "ambiguous_path", "no_route", "method_not_allowed", "missing_token", "multiple_tokens", "malformed_authorization",
  "token_too_large", "cross_site", "malformed_token", "unsupported_critical", "algorithm_not_allowed", "unknown_key",
  "unknown_issuer", "bad_signature", "wrong_type", "wrong_audience", "expired", "not_yet_valid", "too_old", "missing_claim",
  "invalid_claim", "insufficient_scope", "claim_not_allowed", "insufficient_user_authentication",
]; // prettier-ignore

withGate(
  "the page's verdict and the Worker's",
  ({ origin }) => ({
    policy: policy(origin),
    secrets: bindings,
    vars: { CONSOLE: "on" },
    assets: page,
  }),
  (test) => {
    test("are the same for every token, by what the Worker does with the real request", async ({
      gate,
      origin,
    }) => {
      const { judge, describe: describes } = await loaded();
      const told = await (await gate.fetch("/_portcullis/gate.json")).json();
      assert.deepEqual([told.faults, told.secrets], [[], ["SECRET"]]);
      const described = describes(told, Date.now());
      assert.deepEqual(described.issuers.map(({ name, source, withheld, keys }) => [name, source, withheld, keys.length]), [
        ["hmac", "secret", true, 0], ["rsa", "jwks", false, 1], ["ec", "pem", false, 1], ["ed", "jwks", false, 1],
      ]); // prettier-ignore
      const reached = new Set();
      const differences = [];
      for (const [what, { method, path: target, headers }] of corpus) {
        const real = await gate.raw({ method, target, headers });
        const seen = {
          status: real.status,
          code: real.status === 200 ? null : JSON.parse(real.text).code,
        };
        const forwarded = origin.take();
        const question = { ...told, method, url: `${gate.url}${target}`, headers };
        const mine = judge({ ...question, bindings: { SECRET } }, Date.now());
        const body = JSON.stringify({ method, url: question.url, headers });
        const asked = await gate.fetch("/_portcullis/judge", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body,
        });
        const workers = judge({ ...question, answered: await asked.json() }, Date.now());
        for (const [whose, verdict] of [
          ["the page's", mine],
          ["the Worker's", workers],
        ]) {
          const code = verdict.refusal?.code ?? null;
          const status = verdict.refusal?.status ?? (verdict.verdict === "admitted" ? 200 : null);
          if (status !== seen.status || code !== seen.code)
            differences.push(
              `${what}: ${whose} ${status} ${code}, the gate ${seen.status} ${seen.code}`,
            );
          const failed = verdict.steps.filter(({ state }) => state === "failed");
          assert.equal(
            failed.length,
            verdict.refusal || verdict.reported ? 1 : 0,
            `${what}: ${JSON.stringify(verdict.steps)}`,
          );
          if (verdict.refusal)
            assert.deepEqual(
              [failed[0].code, failed[0].because],
              [code, verdict.refusal.because],
              what,
            );
        }
        assert.deepEqual(
          mine.steps.map(({ name, state }) => [name, state]),
          workers.steps.map(({ name, state }) => [name, state]),
          what,
        );
        assert.equal(forwarded.length, seen.status === 200 ? 1 : 0, what);
        if (mine.outgoing) {
          // What is shown as set is what the origin got.
          for (const [name, value] of mine.outgoing.set.filter(([name]) =>
            name.startsWith("X-Auth-"),
          )) {
            assert.equal(forwarded[0].header(name), value, `${what}: ${name}`);
          }
        }
        // Without the secret the page guesses nothing: it says what the gate says, or that it cannot tell.
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

describe("what the built modules export", () => {
  it("the page's functions are the page's alone", async () => {
    assert.deepEqual(Object.keys(await loaded()).sort(), [...EXPORTS].sort());
    const worker = await WebAssembly.compile(
      await readFile(path.join(repository, "build/index_bg.wasm")),
    );
    const exported = WebAssembly.Module.exports(worker).map(({ name }) => name);
    for (const name of ["judge", "describe", "inspect"]) assert.ok(!exported.includes(name), name);
    // worker-build makes a method of the Worker of whatever wasm-bindgen exports.
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
