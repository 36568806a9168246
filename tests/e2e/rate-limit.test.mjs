// The gate counts refused tokens by client, and answers further ones with 429 once the client is
// over the limit. No other request is counted or answered with 429.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  EXPIRED,
  gateTest,
  INVALID,
  policies,
} from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const LIMIT = 5;

/**
 * @param {{origin: Origin}} site
 * @returns {GateOptions}
 */
const limited = ({ origin }) => ({
  policy: hs256({
    origin,
    rate_limit: { binding: "FAILURES" },
    cors: { allow_origins: ["https://app.example"] },
  }),
  secrets: { SECRET },
  ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: LIMIT, period: 60 } } },
});

/** @param {string} address */
const from = (address) => ({ headers: { "CF-Connecting-IP": address } });

/**
 * Sends malformed tokens until the gate answers with 429. A new period of the limiter may begin
 * meanwhile, so this can take more than `LIMIT` tokens.
 *
 * @param {Running} gate
 * @param {string} address
 */
async function exhaust(gate, address) {
  for (let i = 0; i < 3 * LIMIT; i += 1) {
    const response = await gate.fetchWith("a.b.c", "/api/a", from(address));
    if (response.status === 429) return { response, before: i };
    await assertRefused(response, 401, INVALID);
  }
  throw new Error(`${3 * LIMIT} refused tokens did not exceed the limit`);
}

gateTest(
  "answers 429 after too many refused tokens from one address, and still admits valid ones",
  limited,
  async ({ gate, origin }) => {
    const { response, before } = await exhaust(gate, "192.0.2.1");
    assert.ok(before >= LIMIT, `after ${before}`);
    const { header } = await assertProblem(response, 429);
    assert.equal(header("retry-after"), "60");
    assert.equal(header("www-authenticate"), undefined);
    origin.expectNone();

    // Only a refused token gets a 429.
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a", from("192.0.2.1")), origin);
    await assertAdmitted(await gate.fetch("/public/a", from("192.0.2.1")), origin);
    await assertRefused(await gate.fetch("/api/a", from("192.0.2.1")), 401);
    await assertRefused(
      await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a", from("192.0.2.1")),
      401,
      EXPIRED,
    );
    await assertProblem(await gate.fetch("/nowhere", from("192.0.2.1")), 404);

    // Another client is not affected.
    await assertRefused(await gate.fetchWith("a.b.c", "/api/a", from("192.0.2.2")), 401, INVALID);
    origin.expectNone();
    await gate.logs.waitFor(({ structured }) =>
      structured.some(({ code }) => code === "rate_limited"),
    );
    assert.ok(!gate.logs.text.includes("192.0.2."), "the log contains an address");
  },
);

gateTest(
  "does not count missing tokens, expired tokens or missing scopes",
  limited,
  async ({ gate, origin }) => {
    for (let i = 0; i < 3 * LIMIT; i += 1) {
      await assertRefused(await gate.fetch("/api/a", from("192.0.2.3")), 401);
      await assertRefused(
        await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a", from("192.0.2.3")),
        401,
        EXPIRED,
      );
      assert.equal((await gate.fetchWith(hs256Token(), "/admin/a", from("192.0.2.3"))).status, 403);
      await assertProblem(await gate.fetch("/nowhere", from("192.0.2.3")), 404);
    }
    await assertRefused(await gate.fetchWith("a.b.c", "/api/a", from("192.0.2.3")), 401, INVALID);
    origin.expectNone();
  },
);

gateTest(
  "counts rejected tokens at every endpoint that accepts tokens",
  ({ origin }) => {
    const { policy, ...rest } = limited({ origin });
    const logout = { logout_path: "/logout", logout_audience: "client" };
    return {
      ...rest,
      policy: { .../** @type {object} */ (policy), revocation: { kv: "REVOKED", ...logout } },
      vars: { CONSOLE: "on" },
      kvNamespaces: ["REVOKED"],
    };
  },
  async ({ gate, origin }) => {
    const endpoints = [
      {
        path: "/logout",
        type: "application/x-www-form-urlencoded",
        body: "logout_token=a.b.c",
        refused: 400,
      },
      {
        path: "/_portcullis/judge",
        type: "application/json",
        body: JSON.stringify({
          method: "GET",
          url: "https://gate.example/api/a",
          headers: [["Authorization", "Bearer a.b.c"]],
        }),
        refused: 200,
      },
    ];
    for (const [index, { path, type, body, refused }] of endpoints.entries()) {
      const statuses = [];
      while (statuses.length < 3 * LIMIT && statuses.at(-1) !== 429) {
        const headers = { "Content-Type": type, "CF-Connecting-IP": `192.0.2.${40 + index}` };
        const response = await gate.fetch(path, { method: "POST", headers, body });
        await response.text();
        statuses.push(response.status);
      }
      assert.equal(statuses.pop(), 429, path);
      assert.deepEqual(new Set(statuses), new Set([refused]), path);
    }
    origin.expectNone();
  },
);

gateTest("counts IPv6 clients by their /64 prefix", limited, async ({ gate, origin }) => {
  await exhaust(gate, "2001:db8:1:2::1");
  const { status } = await gate.fetchWith("a.b.c", "/api/a", from("2001:db8:1:2:ffff::9"));
  assert.equal(status, 429);
  await assertRefused(
    await gate.fetchWith("a.b.c", "/api/a", from("2001:db8:1:3::1")),
    401,
    INVALID,
  );
  origin.expectNone();
});

gateTest(
  "does not count requests without a valid client address",
  limited,
  async ({ gate, origin }) => {
    for (let i = 0; i < 3 * LIMIT; i += 1) {
      for (const address of ["unknown", "192.0.2.1, 192.0.2.9"]) {
        await assertRefused(await gate.fetchWith("a.b.c", "/api/a", from(address)), 401, INVALID);
      }
    }
    origin.expectNone();
  },
);

gateTest(
  "answers 500 to every request if the binding is missing",
  ({ origin }) => ({ ...limited({ origin }), ratelimits: {} }),
  async ({ gate, origin }) => {
    await assertProblem(await gate.fetchWith(hs256Token(), "/api/a"), 500);
    await gate.logs.waitFor(({ structured }) =>
      structured.some(({ path }) => path === "rate_limit.binding"),
    );
    origin.expectNone();
  },
);
