// The gate reports invalid policies, secrets, keys and metadata without the values that they
// contain.

import assert from "node:assert/strict";
import { Canaries, decisions, head, told } from "./harness/canaries.mjs";
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

/** @import { Keys } from "../../policy.d.ts" */
/** @import { Provider } from "./harness/provider.mjs" */
/** @import { Running } from "./harness/running.mjs" */

/** @typedef {[keys: Keys, algorithm: string, bindings: Record<string, unknown>]} WrongKeys */
/** @typedef {{status?: number, headers?: Record<string, string>}} AnswerOptions */

const { AUDIENCE, claims, hs256, published } = policies;

/**
 * Returns invalid keys of every kind, each with an algorithm and the bindings that the keys name.
 *
 * @param {Canaries} canaries
 * @returns {WrongKeys[]}
 */
function wrongKeys(canaries) {
  const privateJwk = {
    kty: "OKP",
    crv: "Ed25519",
    x: canaries.make("x"),
    d: canaries.make("d"),
    kid: canaries.make("kid"),
  };
  const { privateKey } = tokens.rsaKeys();
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  canaries.keep("a private key", pem.split("\n").slice(1, -2).join(""));
  return [
    [{ secret: "SHORT" }, "HS256", { SHORT: canaries.make("short").slice(-20) }],
    [{ secret: "ENDING" }, "HS256", { ENDING: `${canaries.secret("ending")}\n` }],
    [
      { secret: "PEM_TEXT" },
      "HS256",
      { PEM_TEXT: `-----BEGIN PUBLIC KEY-----\n${canaries.make("PEM")}\n-----END PUBLIC KEY-----` },
    ],
    [
      { secret: "JWK_TEXT" },
      "HS256",
      { JWK_TEXT: JSON.stringify({ kty: "oct", k: canaries.make("k") }) },
    ],
    [{ secret: "TABLE" }, "HS256", { TABLE: { secret: canaries.secret("table") } }],
    [
      { secret: "BASE64", encoding: "base64" },
      "HS256",
      { BASE64: `${canaries.secret("base64")}*` },
    ],
    [{ secret: "HEX", encoding: "hex" }, "HS256", { HEX: `${canaries.secret("hex")}xyz` }],
    [{ secret: canaries.secret("in a name's place") }, "HS256", {}],
    [{ pem: canaries.secret("in a PEM's place") }, "RS256", {}],
    [{ pem: "PRIVATE" }, "RS256", { PRIVATE: pem }],
    [{ pem: "GARBAGE" }, "RS256", { GARBAGE: canaries.secret("garbage") }],
    [
      { pem: "BROKEN" },
      "RS256",
      {
        BROKEN: `-----BEGIN PUBLIC KEY-----\n${canaries.make("broken")}\n-----END PUBLIC KEY-----`,
      },
    ],
    [{ jwks: "NO_JSON" }, "EdDSA", { NO_JSON: `{"keys": ${canaries.secret("no JSON")}` }],
    [
      { jwks: "NO_SET" },
      "EdDSA",
      { NO_SET: JSON.stringify({ [canaries.make("name")]: canaries.make("value") }) },
    ],
    [
      { jwks: "PRIVATE_SET" },
      "EdDSA",
      { PRIVATE_SET: JSON.stringify({ keys: [privateJwk, { kty: canaries.make("kty") }] }) },
    ],
    [{ jwks: { keys: [{ ...privateJwk, use: canaries.make("use") }] } }, "EdDSA", {}],
    [{ jwks_uri: `https://user:${canaries.make("password")}@keys.example/jwks` }, "RS256", {}],
    [{ jwks_uri: `http://keys.example/${canaries.make("path")}` }, "RS256", {}],
  ];
}

/**
 * Returns a policy with all invalid keys and other faults, and its bindings.
 *
 * @param {Canaries} canaries
 */
function invalidPolicy(canaries) {
  const wrong = wrongKeys(canaries);
  const policy = hs256({
    origin: `https://user:${canaries.make("origin")}@origin.example`,
    realm: `"${canaries.make("realm")}`,
    issuers: wrong.map(([keys, alg], index) => ({
      name: `issuer-${index}`,
      issuer: `https://issuer-${index}.example/`,
      audience: AUDIENCE,
      algorithms: [alg],
      keys,
    })),
    forward: {
      proof: { secret: "SHORT_HOP" },
      identity: {
        key: ["IDENTITY_JWK", "IDENTITY_PEM", canaries.secret("in an identity key's place")],
        issuer: `https://user:${canaries.make("identity issuer")}@gate.example.com`,
        audience: AUDIENCE,
      },
    },
    resource: {
      identifier: `https://user:${canaries.make("identifier")}@api.example.com`,
      authorization_servers: [`https://user:${canaries.make("server")}@issuer.example/`],
    },
  });
  const bindings = Object.assign(
    {
      SHORT_HOP: canaries.make("hop").slice(-20),
      IDENTITY_JWK: JSON.stringify({ kty: "OKP", crv: "Ed25519", d: canaries.make("identity d") }),
      IDENTITY_PEM: `-----BEGIN PRIVATE KEY-----\n${canaries.secret("identity PEM")}\n-----END PRIVATE KEY-----`,
    },
    ...wrong.map(([, , bound]) => bound),
  );
  return { policy, bindings, count: wrong.length };
}

/**
 * Asserts that every fault has been logged, including those of `count` issuers. Otherwise the
 * search for canaries in the log would prove nothing.
 *
 * @param {Running} gate
 * @param {string} event
 * @param {number} count
 */
function assertFaults(gate, event, count) {
  assert.ok(count > 0);
  const lines = gate.logs.structured.filter((line) => line.event === event);
  const paths = lines.map(({ path }) => String(path));
  for (let index = 0; index < count; index += 1) {
    assert.ok(
      paths.some((path) => path.startsWith(`issuers[${index}]`)),
      `issuers[${index}] in ${paths}`,
    );
  }
  for (const prefix of [
    "origin",
    "realm",
    "forward.proof",
    "forward.identity.key[0]",
    "forward.identity.key[1]",
    "forward.identity.key[2]",
    "forward.identity.issuer",
    "resource.identifier",
    "resource.authorization_servers",
  ]) {
    assert.ok(
      paths.some((path) => path.startsWith(prefix)),
      `${prefix} in ${paths}`,
    );
  }
}

{
  const canaries = new Canaries();
  let count = 0;
  gateTest(
    "reports an invalid policy without the values that it contains",
    () => {
      const invalid = invalidPolicy(canaries);
      count = invalid.count;
      return { runtime: "workerd", policy: invalid.policy, secrets: invalid.bindings };
    },
    async ({ gate, origin }) => {
      const response = await gate.raw({
        target: "/api/a",
        headers: [["Authorization", "Bearer a.b.c"]],
      });
      await assertProblem(response, 500);
      canaries.expectNoneIn("the response", told(response));
      origin.expectNone();
      await gate.stop();
      assertFaults(gate, "policy_fault", count);
      canaries.expectNoneIn("the log", gate.logs.text);
    },
  );
}

{
  const canaries = new Canaries();
  const secret = canaries.secret("the secret");
  let count = 0;
  gateTest(
    "reports an invalid candidate policy without the values that it contains",
    ({ origin }) => {
      const invalid = invalidPolicy(canaries);
      count = invalid.count;
      return {
        runtime: "workerd",
        policy: hs256({ origin, errors: { detail: "reason" }, log: { decisions: "all" } }),
        vars: { POLICY_CANDIDATE: invalid.policy },
        secrets: { SECRET: secret, ...invalid.bindings },
      };
    },
    async ({ gate, origin }) => {
      const sub = canaries.make("sub");
      const token = tokens.token({ key: secret, payload: claims({ sub }) });
      const response = await gate.raw({
        target: "/api/a",
        headers: [["Authorization", `Bearer ${token}`]],
      });
      canaries.expectNoneIn("the response", told(response));
      const seen = await assertAdmitted(response, origin);
      assert.equal(seen.header("x-auth-subject"), sub);
      assert.deepEqual(canaries.in(head(seen)), ["sub"]);
      await gate.stop();
      assertFaults(gate, "candidate_fault", count);
      canaries.expectNoneIn("the log", gate.logs.text);
    },
  );
}

for (const variable of ["POLICY", "POLICY_CANDIDATE"]) {
  const canaries = new Canaries();
  gateTest(
    `reports a ${variable} that is not JSON without its text`,
    ({ origin }) => ({
      runtime: "workerd",
      policy: hs256({ origin, errors: { detail: "reason" }, log: { decisions: "all" } }),
      vars: { [variable]: `{ "origin": ${canaries.make("origin")}` },
      secrets: { SECRET: canaries.secret("the secret") },
    }),
    async ({ gate, origin }) => {
      const response = await gate.raw({ target: "/public/a" });
      canaries.expectNoneIn("the response", told(response));
      assert.equal(response.status, variable === "POLICY" ? 500 : 200);
      assert.equal(origin.take().length, variable === "POLICY" ? 0 : 1);
      await gate.stop();
      assert.match(gate.logs.text, new RegExp(`${variable} is not valid JSON`));
      canaries.expectNoneIn("the log", gate.logs.text);
    },
  );
}

/**
 * A JWK Set with one key, which `changes` completes.
 *
 * @param {Canaries} canaries
 * @param {Record<string, string>} [changes]
 */
const jwks = (canaries, changes = {}) => ({
  keys: [
    { kty: canaries.make("kty"), kid: canaries.make("kid"), n: canaries.make("n"), ...changes },
  ],
});

/**
 * Invalid responses to a request for keys.
 *
 * @type {Record<string, (canaries: Canaries) => {body: object | string} & AnswerOptions>}
 */
const FETCHED = {
  "text that is not JSON": (canaries) => ({ body: `{"keys": ${canaries.make("text")}` }),
  "an object that is not a JWK Set": (canaries) => ({
    body: { [canaries.make("name")]: canaries.make("value") },
  }),
  "a key of an unknown type": (canaries) => ({ body: jwks(canaries) }),
  "a private key": (canaries) => ({
    body: jwks(canaries, { kty: "RSA", e: "AQAB", d: canaries.make("d") }),
  }),
  "a shared secret": (canaries) => ({
    body: jwks(canaries, { kty: "oct", k: canaries.make("k") }),
  }),
  "a key on an unknown curve": (canaries) => ({
    body: jwks(canaries, { kty: "EC", crv: canaries.make("crv"), x: canaries.make("x") }),
  }),
  "a key for another use": (canaries) => ({
    body: jwks(canaries, { kty: "RSA", use: canaries.make("use"), alg: canaries.make("alg") }),
  }),
  "an error": (canaries) => ({
    body: canaries.make("error"),
    status: 500,
    headers: { "X-Error": canaries.make("header") },
  }),
  "a redirect": (canaries) => ({
    body: "",
    status: 302,
    headers: { Location: `https://${canaries.make("location")}.example/` },
  }),
  HTML: (canaries) => ({
    body: `<!doctype html>${canaries.make("page")}`,
    headers: { "Content-Type": "text/html" },
  }),
};

for (const [what, make] of Object.entries(FETCHED)) {
  const canaries = new Canaries();
  providerTest(
    `reports unusable keys without their content: ${what}`,
    ({ origin, provider }) => ({
      runtime: "workerd",
      policy: published({ origin, provider, log: { decisions: "all" } }),
    }),
    async ({ gate, provider }) => {
      const { body, ...answer } = make(canaries);
      await provider.answerWith(body, answer);
      const token = await provider.token();
      canaries.keep("the signature", tokens.segments(token)[2]);
      await expectUnavailable(gate, token, canaries);
      await provider.expectFetches([JWKS]);
      await assertNotLogged(gate, canaries);
    },
  );
}

/**
 * Invalid metadata.
 *
 * @type {Record<string, (canaries: Canaries, provider: Provider) => object>}
 */
const METADATA_WITH = {
  "user information in jwks_uri": (canaries, { issuer }) => ({
    issuer,
    jwks_uri: `https://user:${canaries.make("password")}@keys.example/`,
  }),
  "a jwks_uri over http": (canaries, { issuer }) => ({
    issuer,
    jwks_uri: `http://keys.example/${canaries.make("path")}`,
  }),
  "a jwks_uri that is not a URL": (canaries, { issuer }) => ({
    issuer,
    jwks_uri: canaries.make("text"),
  }),
  "another issuer": (canaries, { jwksUri }) => ({
    issuer: `https://${canaries.make("issuer")}.example`,
    jwks_uri: jwksUri,
  }),
};

for (const [what, make] of Object.entries(METADATA_WITH)) {
  const canaries = new Canaries();
  providerTest(
    `reports invalid metadata without its content: ${what}`,
    ({ origin, provider }) => ({
      runtime: "workerd",
      policy: published({ origin, provider, keys: { discovery: true }, log: { decisions: "all" } }),
    }),
    async ({ gate, provider }) => {
      await provider.answerWith(make(canaries, provider), { path: METADATA });
      await expectUnavailable(gate, await provider.token(), canaries);
      await provider.expectFetches([METADATA]);
      await assertNotLogged(gate, canaries);
    },
  );
}

/**
 * @param {Running} gate
 * @param {string} token
 * @param {Canaries} canaries
 */
async function expectUnavailable(gate, token, canaries) {
  const response = await gate.raw({
    target: "/api/a",
    headers: [["Authorization", `Bearer ${token}`]],
  });
  await assertUnavailable(response);
  canaries.expectNoneIn("the response", told(response));
}

/**
 * Stops the gate and asserts that it logged the failure and the decision, but no canary.
 *
 * @param {Running} gate
 * @param {Canaries} canaries
 */
async function assertNotLogged(gate, canaries) {
  await gate.stop();
  assert.equal(gate.logs.structured.filter(({ event }) => event === "keys_not_fetched").length, 1);
  assert.equal(decisions(gate.logs).length, 1);
  canaries.expectNoneIn("the log", gate.logs.text);
}
