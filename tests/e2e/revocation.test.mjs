// Revocation by entries in Workers KV, and back-channel logout by the provider.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after } from "node:test";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  gateTest,
  INVALID,
  policies,
  repository,
  tokens,
} from "./harness/index.mjs";

/** @import { V4WorkerOptions } from "miniflare" */
/** @import { AnyResponse } from "./harness/answers.mjs" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { LogBook } from "./harness/logs.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { AUDIENCE, claims, hs256, hs256Token, SECRET } = policies;

const CLIENT = "the-client-at-the-provider";

/**
 * A gate that reads revocations from the KV namespace REVOKED, and whose clock can be moved.
 *
 * @param {Record<string, unknown>} [changes] keys of the policy's `revocation`
 * @param {GateOptions} [more]
 * @returns {(site: {origin: Origin}) => GateOptions}
 */
const revoking =
  (changes = {}, more = {}) =>
  ({ origin }) => ({
    clock: true,
    policy: hs256({
      origin,
      revocation: { kv: "REVOKED", ...changes },
      errors: { detail: "reason" },
    }),
    secrets: { SECRET },
    kvNamespaces: ["REVOKED"],
    ...more,
  });

/** @param {Running} gate */
const store = (gate) => gate.miniflare.getKVNamespace("REVOKED");

/** @param {AnyResponse} response */
const assertRevoked = (response) => assertRefused(response, 401, INVALID, { detail: "revoked" });

gateTest(
  "a token whose jti is revoked is refused within max_staleness",
  revoking(),
  async ({ gate, origin }) => {
    const token = hs256Token({ jti: "one" });
    await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
    await (await store(gate)).put("jti:issuer:one", "");
    // The isolate may use the earlier answer, that there is no such entry, until max_staleness.
    await gate.moveClock(61);
    await assertRevoked(await gate.fetchWith(token, "/api/a"));
    await assertAdmitted(await gate.fetchWith(hs256Token({ jti: "two" }), "/api/a"), origin);
  },
);

gateTest(
  "rejects tokens of revoked users, sessions and keys",
  revoking(),
  async ({ gate, origin }) => {
    const kv = await store(gate);
    const issued = tokens.now() - 100;
    await kv.put("sub:issuer:gone", String(issued));
    await kv.put("sid:issuer:ended", "1");
    await assertRevoked(await gate.fetchWith(hs256Token({ sub: "gone", iat: issued }), "/api/a"));
    await assertRevoked(await gate.fetchWith(hs256Token({ sub: "gone" }), "/api/a"));
    await assertAdmitted(
      await gate.fetchWith(hs256Token({ sub: "gone", iat: issued + 1 }), "/api/a"),
      origin,
    );
    await assertRevoked(await gate.fetchWith(hs256Token({ sid: "ended" }), "/api/a"));
    await assertAdmitted(await gate.fetchWith(hs256Token({ sid: "lasts" }), "/api/a"), origin);
    await kv.put("kid:issuer:secret", "leaked");
    await gate.moveClock(61);
    await assertRevoked(await gate.fetchWith(hs256Token({ sid: "lasts" }), "/api/a"));
  },
);

const folder = mkdtempSync(path.join(tmpdir(), "revoke-"));
after(() => rmSync(folder, { recursive: true }));

/**
 * Runs `cargo xtask revoke` on the local store in that folder. Returns the output.
 *
 * @param {string[]} words further arguments
 * @param {string} [input]
 */
function revoke(words, input = "") {
  const config = path.join(folder, "wrangler.toml");
  const policy = JSON.stringify(hs256({ origin: "echo", revocation: { kv: "REVOKED" } }));
  writeFileSync(
    config,
    `vars.POLICY = ${JSON.stringify(policy)}\n` +
      `kv_namespaces = [{ binding = "REVOKED", id = "id", preview_id = "preview" }]\n`,
  );
  const command = ["xtask", "revoke", "--config", config, "--persist-to", folder, ...words];
  return execFileSync("cargo", command, {
    cwd: repository,
    encoding: "utf8",
    input,
    stdio: "pipe",
  });
}

const GONE = 'it\'s "gone"';
const LEAKED = hs256Token({ sub: "other", jti: "-leaked" });

/** @param {{origin: Origin}} site */
const writtenByCommand = (site) => {
  const words = ["--token", "-", "--sub", GONE, "--sid", "ended", "--sid", "resumed"];
  const printed = revoke(words, LEAKED);
  assert.match(
    printed,
    /^wrote jti:issuer:-leaked = [0-9]+ for 604800 seconds into REVOKED on this machine/m,
  );
  assert.match(revoke(["--sid", "resumed", "--undo"]), /^deleted sid:issuer:resumed from REVOKED/m);
  // `wrangler dev` uses the namespace for previews if there is one.
  const more = {
    kvNamespaces: { REVOKED: "preview" },
    resourcePersistencePath: path.join(folder, "v3"),
  };
  return revoking({}, more)(site);
};

gateTest(
  "cargo xtask revoke writes the entries that the gate reads",
  writtenByCommand,
  async ({ gate, origin }) => {
    const now = tokens.now();
    const admitted = async (/** @type {Record<string, unknown>} */ changes) =>
      assertAdmitted(await gate.fetchWith(hs256Token(changes), "/api/a"), origin);
    const revoked = async (/** @type {Record<string, unknown>} */ changes) =>
      assertRevoked(await gate.fetchWith(hs256Token(changes), "/api/a"));
    await assertRevoked(await gate.fetchWith(LEAKED, "/api/a"));
    await admitted({ sub: "other", jti: "leaked" });
    await revoked({ sub: GONE, iat: now - 600 });
    await admitted({ sub: GONE, iat: now + 30 });
    await revoked({ sub: "other", sid: "ended" });
    await admitted({ sub: "other", sid: "resumed" });
  },
);

/**
 * A KV namespace whose every operation fails.
 *
 * @type {V4WorkerOptions}
 */
const failing = {
  name: "store",
  modules: true,
  compatibilityDate: "2026-10-01",
  script: `
    import { WorkerEntrypoint } from "cloudflare:workers";
    export class Store extends WorkerEntrypoint {
      get() { throw new Error("down"); }
      put() { throw new Error("down"); }
      getWithMetadata() { throw new Error("down"); }
    }
    export default { fetch() { return new Response(); } };`,
};
const down = {
  kvNamespaces: undefined,
  services: { REVOKED: { name: "store", entrypoint: "Store" } },
  workers: [failing],
};
/** @param {LogBook} book */
const unreadable = (book) =>
  book.structured.filter(({ event }) => event === "revocations_unreadable");

gateTest(
  "refuses tokens and logs a line if the store cannot be read",
  revoking({}, down),
  async ({ gate, origin }) => {
    const answer = await gate.fetchWith(hs256Token(), "/api/a");
    const { header } = await assertProblem(answer, 503, { detail: "revocation_unavailable" });
    assert.match(header("retry-after") ?? "", /^[1-9][0-9]*$/);
    assert.equal(header("www-authenticate"), undefined);
    await gate.logs.waitFor((book) => unreadable(book).length === 1);
    // A request that needs no token does not need the store.
    await assertAdmitted(await gate.fetch("/public/a"), origin);
  },
);

gateTest(
  "with on_error = allow, admits valid tokens and logs a line if the store cannot be read",
  revoking({ on_error: "allow" }, down),
  async ({ gate, origin }) => {
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    await gate.logs.waitFor((book) =>
      unreadable(book).some(({ request }) => request === "let through"),
    );
    const expired = await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a");
    await assertRefused(expired, 401, EXPIRED, { detail: "expired" });
  },
);

const LOGOUT = { logout_path: "/backchannel-logout", logout_audience: CLIENT };
const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

const logoutToken = (changes = {}) =>
  tokens.token({
    alg: "HS256",
    key: SECRET,
    header: { alg: "HS256", typ: "logout+jwt" },
    payload: claims({
      aud: CLIENT,
      iat: tokens.now(),
      jti: crypto.randomUUID(),
      events: EVENTS,
      ...changes,
    }),
  });

/**
 * @param {Running} gate
 * @param {string | URLSearchParams} body
 * @param {string} [type]
 */
const post = (gate, body, type = "application/x-www-form-urlencoded") =>
  gate.fetch("/backchannel-logout", {
    method: "POST",
    body: String(body),
    headers: { "Content-Type": type },
  });

/**
 * Sends a logout token as the provider does.
 *
 * @param {Running} gate
 * @param {string} token
 */
const report = (gate, token) => post(gate, new URLSearchParams({ logout_token: token }));

gateTest(
  "a logout token from the provider revokes the session",
  revoking(LOGOUT),
  async ({ gate, origin }) => {
    const token = hs256Token({ sub: "user-1", sid: "s-1", iat: tokens.now() - 10 });
    const other = hs256Token({ sub: "user-2", sid: "s-2", iat: tokens.now() - 10 });
    await assertAdmitted(await gate.fetchWith(token, "/api/a"), origin);
    const answer = await report(gate, logoutToken({ sub: "user-1", sid: "s-1" }));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    await gate.moveClock(61);
    await assertRevoked(await gate.fetchWith(token, "/api/a"));
    await assertAdmitted(await gate.fetchWith(other, "/api/a"), origin);
    // The log contains neither the user nor the session.
    await gate.logs.waitFor((book) => book.structured.some(({ event }) => event === "logout"));
    assert.doesNotMatch(gate.logs.text, /user-1|s-1/);
  },
);

const keptFor = { ...LOGOUT, expiration_ttl: 3600 };

gateTest(
  "keeps the entries that a logout writes for expiration_ttl",
  revoking(keptFor),
  async ({ gate }) => {
    const began = tokens.now();
    assert.equal((await report(gate, logoutToken({ sub: "user-1", sid: "s-1" }))).status, 200);
    const { keys } = await (await store(gate)).list();
    assert.ok(keys.length >= 2);
    for (const { name, expiration = 0 } of keys) {
      assert.ok(
        expiration >= began + 3600 && expiration <= tokens.now() + 3601,
        `${name} until ${expiration}`,
      );
    }
  },
);

gateTest(
  "OIDC back-channel logout section 2.6: rejects invalid logout tokens with 400",
  revoking(LOGOUT),
  async ({ gate }) => {
    const good = logoutToken();
    assert.equal((await report(gate, good)).status, 200);
    const kv = await store(gate);
    const before = (await kv.list()).keys.length;
    const bad = async (/** @type {Response} */ response) =>
      assertProblem(response, 400, { detail: "invalid_logout_token" });
    await bad(await report(gate, good)); // used a second time
    await bad(await report(gate, hs256Token())); // an access token
    await bad(await report(gate, logoutToken({ aud: AUDIENCE })));
    await bad(await report(gate, logoutToken({ nonce: "n" })));
    await bad(await report(gate, logoutToken({ events: {} })));
    await bad(await report(gate, logoutToken({ exp: 1 })));
    await bad(await report(gate, `${good.slice(0, -2)}AA`));
    await bad(await report(gate, "not a token"));
    await bad(await post(gate, `logout_token=${good}&logout_token=${good}`));
    await bad(await post(gate, "token=x"));
    await bad(await post(gate, ""));
    await bad(await post(gate, `{"logout_token":"${good}"}`, "application/json"));
    await bad(await post(gate, `logout_token=${"x".repeat(100_000)}`));
    const get = await gate.fetch("/backchannel-logout");
    await assertProblem(get, 405, { detail: "method_not_allowed" });
    assert.equal(get.headers.get("allow"), "POST");
    assert.equal((await kv.list()).keys.length, before);
  },
);

gateTest(
  "answers 503 to a logout that cannot be written, so that the provider sends it again",
  revoking(LOGOUT, down),
  async ({ gate }) => {
    const answer = await report(gate, logoutToken());
    await assertProblem(answer, 503, { detail: "revocation_unavailable" });
  },
);
