// The samples of output in the documentation are compared with what the gate writes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { experimental_readRawConfig } from "wrangler";
import { blocks } from "./harness/documents.mjs";
import {
  assertAdmitted,
  gateTest,
  JWKS,
  METADATA,
  policies,
  providerTest,
  repository,
  tokens,
} from "./harness/index.mjs";

/** @import { Running } from "./harness/running.mjs" */

const { SECRET } = policies;

/**
 * Returns the code blocks of a document in a language.
 *
 * @param {string} document
 * @param {string} language
 */
const samples = (document, language) =>
  blocks(document).flatMap((block) => (block.language === language ? [block.text] : []));

/**
 * Returns the sample of a log line in a document.
 *
 * @param {string} document
 * @param {string} event
 * @returns {Record<string, unknown>}
 */
function sampleLine(document, event) {
  const lines = samples(document, "json").map((text) => JSON.parse(text));
  const [line, ...more] = lines.filter((one) => one.event === event);
  assert.ok(line && more.length === 0, `${document} must have one sample of ${event}`);
  return line;
}

/**
 * Waits until the gate has logged this number of lines of an event, and compares the last with the
 * sample in a document. Of the time that the gate waited, only the type is compared.
 *
 * @param {Running} gate
 * @param {string} event
 * @param {string} document
 * @param {number} [count]
 */
async function compareLastLine(gate, event, document, count = 1) {
  const lines = () => gate.logs.structured.filter((one) => one.event === event);
  const line = await gate.logs.waitFor(() => lines()[count - 1]);
  const withoutTime = (/** @type {Record<string, unknown>} */ one) =>
    "waited_ms" in one ? { ...one, waited_ms: typeof one.waited_ms } : one;
  assert.deepEqual(withoutTime(line), withoutTime(sampleLine(document, event)));
}

const { rawConfig } = experimental_readRawConfig({
  config: join(repository, "wrangler.toml"),
});
const demo = rawConfig.vars.POLICY;

/** Mints a token as `cargo xtask dev` does. */
const demoToken = (changes = {}) => {
  const [issuer] = demo.issuers;
  const now = tokens.now();
  const payload = {
    ...{ iss: issuer.issuer, aud: issuer.audience[0], sub: "demo-user", scope: "read" },
    ...{ iat: now, exp: now + 3600, ...changes },
  };
  return tokens.token({ alg: "HS256", key: SECRET, payload });
};

const forgedToken = () => {
  const token = demoToken();
  return tokens.withChangedCharacter(token, token.length - 5);
};

const expiredToken = () => demoToken({ iat: 0, exp: tokens.now() - 600 });

/**
 * The requests of the README's samples, by the end of the sample's command.
 *
 * @type {[end: RegExp, token: () => string | undefined][]}
 */
const REQUESTS = [
  [/\/api\/hello$/, () => undefined],
  [/…x"$/, forgedToken],
  [/expires-in=-10m\)"$/, expiredToken],
  [/eyJhbGciOiJIUzI1NiIsInR5…"$/, demoToken],
];

/**
 * Compares a sample of an HTTP response with the response. A line `…` stands for any further lines.
 *
 * @param {string} sample
 * @param {Response} response
 */
async function compare(sample, response) {
  const [head = "", body = ""] = sample.split("\n\n");
  const [status, ...fields] = head.trim().split("\n");
  assert.equal(status, `HTTP/1.1 ${response.status} ${response.statusText}`);
  for (const field of fields.filter((one) => one !== "…")) {
    const [name = "", ...value] = field.split(": ");
    assert.equal(response.headers.get(name), value.join(": "), name);
  }
  const text = await response.text();
  if (body.trim() === "") return;
  // What differs from run to run: the port, and the length of the token.
  const shown = text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:8787")
    .replace(/\(\d+ char/, "(276 char");
  const lines = new Set(shown.split("\n").map((line) => line.replace(/,$/, "")));
  for (const line of body.trimEnd().split("\n")) {
    if (line.trim() !== "…") assert.ok(lines.has(line.replace(/,$/, "")), `${line}\n${shown}`);
  }
}

gateTest(
  "README.md: the responses of the demo policy",
  { policy: demo, secrets: { DEMO_SECRET: SECRET } },
  async ({ gate }) => {
    const shown = samples("README.md", "console").flatMap((block) =>
      block.split(/^\$ /m).filter((one) => one !== ""),
    );
    assert.equal(shown.length, REQUESTS.length);
    for (const sample of shown) {
      const end = sample.indexOf("\n");
      const command = sample.slice(0, end);
      const request = REQUESTS.find(([pattern]) => pattern.test(command));
      assert.ok(request, command);
      const token = request[1]();
      const path = "/api/hello";
      const response = token ? await gate.fetchWith(token, path) : await gate.fetch(path);
      await compare(sample.slice(end + 1), response);
    }
  },
);

gateTest(
  "README.md: the log line of a refusal",
  { runtime: "workerd", policy: demo, secrets: { DEMO_SECRET: SECRET } },
  async ({ gate }) => {
    await gate.fetchWith(expiredToken(), "/api/hello");
    await compareLastLine(gate, "decision", "README.md");
  },
);

const CHANGES = "docs/policy-changes.md";

providerTest(
  `${CHANGES}: the log line of a request that is only reported`,
  ({ origin, provider }) => ({
    runtime: "workerd",
    policy: policies.published({
      origin,
      provider,
      keys: { discovery: true },
      issuer: { name: "provider" },
      routes: [{ path: "/api/reports/*", scopes: ["reports"], mode: "report" }],
      log: {},
    }),
  }),
  async ({ gate, origin, provider }) => {
    await provider.rotate("2026-01");
    const token = await provider.token();
    // The second use of a token puts it into the cache.
    for (let use = 1; use <= 3; use += 1) {
      await assertAdmitted(await gate.fetchWith(token, "/api/reports/a"), origin);
    }
    await provider.expectFetches([METADATA, JWKS]);
    await compareLastLine(gate, "decision", CHANGES, 3);
  },
);

gateTest(
  `${CHANGES}: the log line of a candidate policy`,
  ({ origin }) => {
    const base = policies.hs256({ origin, routes: [{ path: "/*" }] });
    const issuer = { ...base.issuers[0], name: "provider" };
    return {
      runtime: "workerd",
      policy: { ...base, issuers: [issuer] },
      vars: { POLICY_CANDIDATE: { ...base, issuers: [{ ...issuer, types: ["at+jwt"] }] } },
      secrets: { SECRET },
    };
  },
  async ({ gate, origin }) => {
    const token = policies.hs256Token({}, { header: { typ: "JWT" } });
    await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
    await compareLastLine(gate, "candidate", CHANGES);
  },
);
