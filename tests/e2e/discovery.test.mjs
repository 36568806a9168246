// Keys whose URL is in the issuer's metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414
// section 3).

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertRefused,
  assertUnavailable,
  COOLDOWN,
  failures,
  INVALID,
  JWKS,
  METADATA,
  policies,
  providerTest,
  STALE,
} from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Provider } from "./harness/provider.mjs" */

/** @typedef {Record<string, unknown>} Metadata */

const { KEY_CACHE, published } = policies;

const OAUTH_METADATA = "/.well-known/oauth-authorization-server";

/**
 * @param {{origin: Origin, provider: Provider}} site
 * @returns {GateOptions}
 */
const discovered = ({ origin, provider }) => ({
  policy: published({ origin, provider, keys: { discovery: true } }),
});

/**
 * Returns the provider's own metadata with changes.
 *
 * @param {Provider} provider
 * @param {Metadata} [changes]
 * @returns {Promise<Metadata>}
 */
async function metadata(provider, changes = {}) {
  const response = await fetch(`${provider.issuer}${METADATA}`);
  const found = await response.json();
  await provider.expectFetches([METADATA]);
  return { ...found, ...changes };
}

providerTest(
  "fetches the metadata once, and the keys from the URL in it",
  discovered,
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    for (let times = 0; times < 3; times += 1) {
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    }
    await provider.expectFetches([METADATA, JWKS]);
    // After a rotation, only the keys are fetched again.
    await provider.rotate("rsa-2");
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
  },
);

providerTest(
  "fetches keys from another host than the metadata",
  discovered,
  async ({ gate, origin, providers }) => {
    const [provider, keys] = /** @type {[Provider, Provider]} */ (providers);
    await keys.answerWith(await provider.published(), { path: "/somewhere/else.json" });
    await provider.answerWith(
      await metadata(provider, { jwks_uri: `${keys.issuer}/somewhere/else.json` }),
      {
        path: METADATA,
      },
    );
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([METADATA]);
    await keys.expectFetches(["/somewhere/else.json"]);
  },
  { providers: 2 },
);

providerTest(
  "RFC 8414 section 3: uses authorization server metadata if there is no OpenID metadata",
  discovered,
  async ({ gate, origin, provider }) => {
    await provider.answerWith(await metadata(provider), { path: OAUTH_METADATA });
    await provider.answerWith("", { status: 404, path: METADATA });
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([METADATA, OAUTH_METADATA, JWKS]);
  },
);

for (const status of [401, 403, 410]) {
  providerTest(
    `tries the next metadata URL if the server answers ${status}, as for a missing file`,
    discovered,
    async ({ gate, origin, provider }) => {
      await provider.answerWith(await metadata(provider), { path: OAUTH_METADATA });
      await provider.answerWith("", { status, path: METADATA });
      await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
      await provider.expectFetches([METADATA, OAUTH_METADATA, JWKS]);
    },
  );
}

providerTest(
  "names every URL and status if there is no metadata",
  discovered,
  async ({ gate, provider }) => {
    await provider.answerWith("", { status: 403, path: METADATA });
    await provider.answerWith("", { status: 404, path: OAUTH_METADATA });
    await assertUnavailable(await gate.fetchWith(await provider.token(), "/api/items"));
    await provider.expectFetches([METADATA, OAUTH_METADATA]);
    const line = await gate.logs.waitFor(({ structured }) =>
      structured.find(({ event }) => event === "keys_not_fetched"),
    );
    const { issuer } = provider;
    assert.equal(
      line.problem,
      `${issuer}${METADATA} answered 403; ${issuer}${OAUTH_METADATA} answered 404`,
    );
  },
);

/**
 * Changes that make metadata invalid.
 *
 * @type {Record<string, (provider: Provider) => Metadata>}
 */
const INVALID_METADATA = {
  "RFC 8414 section 3.3: another issuer": (provider) => ({ issuer: `${provider.issuer}/` }),
  "the issuer in upper case": (provider) => ({ issuer: provider.issuer.toUpperCase() }),
  "no issuer": () => ({ issuer: undefined }),
  "a list of issuers": (provider) => ({ issuer: [provider.issuer] }),
  "no jwks_uri": () => ({ jwks_uri: undefined }),
  "a relative jwks_uri": () => ({ jwks_uri: "/jwks" }),
  "a jwks_uri over plain HTTP": () => ({ jwks_uri: "http://keys.example/jwks" }),
  "a jwks_uri to a file": () => ({ jwks_uri: "file:///etc/passwd" }),
  "a jwks_uri with user information": (provider) => ({
    jwks_uri: provider.jwksUri.replace("//", "//user@"),
  }),
};

for (const [what, changes] of Object.entries(INVALID_METADATA)) {
  providerTest(`rejects metadata with ${what}`, discovered, async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await provider.answerWith(await metadata(provider, changes(provider)), { path: METADATA });
    await assertUnavailable(await gate.fetchWith(token, "/api/items"));
    await assertUnavailable(await gate.fetchWith(token, "/api/items"));
    await provider.expectFetches([METADATA]);
    assert.equal(failures(gate.logs).length, 1);
    await provider.recover();
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([METADATA, JWKS]);
  });
}

/**
 * Invalid responses to a request for metadata. Where the response contains metadata, it is valid.
 *
 * @typedef {object} Unusable
 * @property {Metadata} [changes]
 * @property {string} [text] Replaces the metadata.
 * @property {number} [status]
 * @property {Record<string, string>} [headers]
 */
/** @type {Record<string, Unusable>} */
const UNUSABLE = {
  "a redirect": { status: 302, headers: { Location: METADATA } },
  HTML: { text: "<!doctype html>", headers: { "Content-Type": "text/html" } },
  "more than 256 KiB": { changes: { padding: "x".repeat(256 * 1024) } },
  "a server error": { status: 503 },
};

for (const [what, { changes, text, ...answer }] of Object.entries(UNUSABLE)) {
  providerTest(
    `rejects metadata in a response that is ${what}`,
    discovered,
    async ({ gate, provider }) => {
      const document = text ?? (await metadata(provider, changes));
      await provider.answerWith(document, { ...answer, path: METADATA });
      await assertUnavailable(await gate.fetchWith(await provider.token(), "/api/items"));
      await provider.expectFetches([METADATA]);
      assert.equal(failures(gate.logs).length, 1);
    },
  );
}

providerTest(
  "keeps using the known URL of the keys if the metadata becomes invalid",
  discovered,
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([METADATA, JWKS]);
    await provider.answerWith(await metadata(provider, { issuer: "https://evil.example" }), {
      path: METADATA,
    });
    await provider.rotate("rsa-2");
    await gate.moveClock(STALE);
    const fresh = await provider.token();
    await assertAdmitted(await gate.fetchWith(fresh, "/api/items"), origin);
    await provider.expectFetches([METADATA, JWKS]);
  },
);

providerTest(
  "finds keys that have moved to another URL",
  discovered,
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([METADATA, JWKS]);
    await provider.rotate("rsa-2");
    await provider.answerWith(await metadata(provider, { jwks_uri: `${provider.issuer}/moved` }), {
      path: METADATA,
    });
    await provider.answerWith(await provider.published(), { path: "/moved" });
    await provider.answerWith("", { status: 404 });
    const fresh = await provider.token();
    // The first attempt fails at the old URL. The next one fetches the metadata again.
    await gate.moveClock(COOLDOWN);
    await assertUnavailable(await gate.fetchWith(fresh, "/api/items"));
    await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([JWKS]);
    await gate.moveClock(2 * COOLDOWN);
    await assertAdmitted(await gate.fetchWith(fresh, "/api/items"), origin);
    await assertRefused(await gate.fetchWith(token, "/api/items"), 401, INVALID, {
      detail: "unknown_key",
    });
    await provider.expectFetches([METADATA, "/moved"]);
  },
);

providerTest(
  "isolates that share keys fetch the metadata once",
  ({ origin, provider }) => ({
    isolates: 3,
    secrets: KEY_CACHE.secrets,
    policy: published({ origin, provider, keys: { discovery: true }, ...KEY_CACHE.policy }),
  }),
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    for (const isolate of gate.isolates)
      await assertAdmitted(await isolate.fetchWith(token, "/api/items"), origin);
    await provider.expectFetches([METADATA, JWKS]);
    await provider.rotate("rsa-2");
    await gate.moveClock(COOLDOWN);
    const fresh = await provider.token();
    for (const isolate of gate.isolates.toReversed()) {
      await assertAdmitted(await isolate.fetchWith(fresh, "/api/items"), origin);
    }
    // The isolate that fetches the new keys learns their URL from the shared cache.
    await provider.expectFetches([JWKS]);
  },
);
