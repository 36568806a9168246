// What is configured, and what a provider publishes: where something is wrong with it, the log says so without it.

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

const { AUDIENCE, claims, hs256, published } = policies;

/** An issuer for each way of having a key wrong: [its keys, its algorithm, the bindings that they name]. */
function wrongKeys(own) {
  const privateJwk = {
    kty: "OKP",
    crv: "Ed25519",
    x: own.make("x"),
    d: own.make("d"),
    kid: own.make("kid"),
  };
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
    [{ secret: own.secret("in a name's place") }, "HS256", {}],
    [{ pem: own.secret("in a PEM's place") }, "RS256", {}],
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
  const bindings = Object.assign(
    { SHORT_HOP: own.make("hop").slice(-20) },
    ...wrong.map(([, , bound]) => bound),
  );
  return { policy, bindings, count: wrong.length };
}

/** Every fault has been named, those of `count` issuers too: there was something to say. */
function assertFaults(gate, event, count) {
  const paths = gate.logs.structured.filter((line) => line.event === event).map(({ path }) => path);
  for (let index = 0; index < count; index += 1) {
    assert.ok(
      paths.some((path) => path.startsWith(`issuers[${index}]`)),
      `issuers[${index}] in ${paths}`,
    );
  }
  for (const place of [
    "origin",
    "realm",
    "forward.proof",
    "resource.identifier",
    "resource.authorization_servers",
  ]) {
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
      return { runtime: "workerd", policy, secrets: bindings };
    },
    async ({ gate, origin }) => {
      const response = await gate.raw({
        target: "/api/a",
        headers: [["Authorization", "Bearer a.b.c"]],
      });
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
        policy: hs256({ origin, errors: { detail: "reason" }, log: { decisions: "all" } }),
        vars: { POLICY_CANDIDATE: policy },
        secrets: { SECRET: secret, ...bindings },
      };
    },
    async ({ gate, origin }) => {
      const sub = own.make("sub");
      const token = tokens.token({ key: secret, payload: claims({ sub }) });
      const response = await gate.raw({
        target: "/api/a",
        headers: [["Authorization", `Bearer ${token}`]],
      });
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
      policy: hs256({ origin, errors: { detail: "reason" }, log: { decisions: "all" } }),
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

const jwks = (own, changes = {}) => ({
  keys: [{ kty: own.make("kty"), kid: own.make("kid"), n: own.make("n"), ...changes }],
});

const FETCHED = {
  "no JSON": (own) => ({ text: `{"keys": ${own.make("text")}` }),
  "no set": (own) => ({ text: { [own.make("name")]: own.make("value") } }),
  "a key of an unknown kind": (own) => ({ text: jwks(own) }),
  "a private key": (own) => ({ text: jwks(own, { kty: "RSA", e: "AQAB", d: own.make("d") }) }),
  "a shared secret": (own) => ({ text: jwks(own, { kty: "oct", k: own.make("k") }) }),
  "a curve that there is not": (own) => ({
    text: jwks(own, { kty: "EC", crv: own.make("crv"), x: own.make("x") }),
  }),
  "a key for something else": (own) => ({
    text: jwks(own, { kty: "RSA", use: own.make("use"), alg: own.make("alg") }),
  }),
  "an error": (own) => ({
    text: own.make("error"),
    status: 500,
    headers: { "X-Error": own.make("header") },
  }),
  "a redirect": (own) => ({
    text: "",
    status: 302,
    headers: { Location: `https://${own.make("location")}.example/` },
  }),
  HTML: (own) => ({
    text: `<!doctype html>${own.make("page")}`,
    headers: { "Content-Type": "text/html" },
  }),
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
  "user information in jwks_uri": (own, { issuer }) => ({
    issuer,
    jwks_uri: `https://user:${own.make("password")}@keys.example/`,
  }),
  "a jwks_uri over http": (own, { issuer }) => ({
    issuer,
    jwks_uri: `http://keys.example/${own.make("path")}`,
  }),
  "a jwks_uri that is no URL": (own, { issuer }) => ({ issuer, jwks_uri: own.make("text") }),
  "another issuer": (own, { jwksUri }) => ({
    issuer: `https://${own.make("issuer")}.example`,
    jwks_uri: jwksUri,
  }),
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
  const response = await gate.raw({
    target: "/api/a",
    headers: [["Authorization", `Bearer ${token}`]],
  });
  await assertUnavailable(response);
  own.expectNoneIn("the answer", told(response));
}

async function expectSilence(gate, own) {
  await gate.stop();
  assert.equal(gate.logs.structured.filter(({ event }) => event === "keys_not_fetched").length, 1);
  assert.equal(decisions(gate.logs).length, 1);
  own.expectNoneIn("the log", gate.logs.text);
}
