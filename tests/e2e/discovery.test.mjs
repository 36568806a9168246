// Keys whose place the issuer's metadata say (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3).

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

const { published } = policies;

const OAUTH_METADATA = "/.well-known/oauth-authorization-server";

const discovered = ({ origin, provider }) => ({
  policy: published({ origin, provider, keys: { discovery: true } }),
});

/** The metadata that a provider has of itself, with changes. */
async function metadata(provider, changes = {}) {
  const response = await fetch(`${provider.issuer}${METADATA}`);
  const found = await response.json();
  await provider.expectFetches([METADATA]);
  return { ...found, ...changes };
}

providerTest(
  "metadata are fetched once, and the keys where they say",
  discovered,
  async ({ gate, origin, provider }) => {
    const token = await provider.token();
    for (let times = 0; times < 3; times += 1) {
      await assertAdmitted(await gate.fetchWith(token, "/api/items"), origin);
    }
    await provider.expectFetches([METADATA, JWKS]);
    // A rotation is about the keys alone.
    await provider.rotate("rsa-2");
    await gate.moveClock(COOLDOWN);
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([JWKS]);
  },
);

providerTest(
  "keys may be on another host than the metadata",
  discovered,
  async ({ gate, origin, providers: [provider, keys] }) => {
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
  "RFC 8414 section 3: without OpenID metadata, those of an authorisation server will do",
  discovered,
  async ({ gate, origin, provider }) => {
    await provider.answerWith(await metadata(provider), { path: OAUTH_METADATA });
    await provider.answerWith("", { status: 404, path: METADATA });
    await assertAdmitted(await gate.fetchWith(await provider.token(), "/api/items"), origin);
    await provider.expectFetches([METADATA, OAUTH_METADATA, JWKS]);
  },
);

const WRONG = {
  "RFC 8414 section 3.3: another issuer": (provider) => ({ issuer: `${provider.issuer}/` }),
  "the issuer in other letters": (provider) => ({ issuer: provider.issuer.toUpperCase() }),
  "no issuer": () => ({ issuer: undefined }),
  "a list of issuers": (provider) => ({ issuer: [provider.issuer] }),
  "no jwks_uri": () => ({ jwks_uri: undefined }),
  "a jwks_uri that is no URL": () => ({ jwks_uri: "/jwks" }),
  "a jwks_uri over plain http": () => ({ jwks_uri: "http://keys.example/jwks" }),
  "a jwks_uri to a file": () => ({ jwks_uri: "file:///etc/passwd" }),
  "a jwks_uri with user information": (provider) => ({
    jwks_uri: provider.jwksUri.replace("//", "//user@"),
  }),
};

for (const [what, changes] of Object.entries(WRONG)) {
  providerTest(
    `metadata are refused that have ${what}`,
    discovered,
    async ({ gate, origin, provider }) => {
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
    },
  );
}

// The document is a good one, so that it is the way in which it comes that counts.
for (const [what, { changes, text, ...answer }] of Object.entries({
  "a redirect": { status: 302, headers: { Location: METADATA } },
  HTML: { text: "<!doctype html>", headers: { "Content-Type": "text/html" } },
  "more than 256 KiB": { changes: { padding: "x".repeat(256 * 1024) } },
  "a server error": { status: 503 },
})) {
  providerTest(`metadata are refused that are ${what}`, discovered, async ({ gate, provider }) => {
    const document = text ?? (await metadata(provider, changes));
    await provider.answerWith(document, { ...answer, path: METADATA });
    await assertUnavailable(await gate.fetchWith(await provider.token(), "/api/items"));
    await provider.expectFetches([METADATA]);
    assert.equal(failures(gate.logs).length, 1);
  });
}

providerTest(
  "metadata that fail later cost nothing: the keys are where they were",
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
  "keys that have moved are found again",
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
    // The first attempt finds nothing where they were, the next one asks where they are.
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
  "isolates that share a Cache API discover once",
  ({ origin, provider }) => ({ isolates: 3, ...discovered({ origin, provider }) }),
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
    // Where the keys are, the isolate that fetches them has learnt from the one that did so at first.
    await provider.expectFetches([JWKS]);
  },
);
