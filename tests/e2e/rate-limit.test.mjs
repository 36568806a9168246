// Refused tokens are counted by client, and too many of them get another answer; nobody else does.

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

const { hs256, hs256Token, SECRET } = policies;

const LIMIT = 5;

const limited = ({ origin }) => ({
  policy: hs256({
    origin,
    rate_limit: { binding: "FAILURES" },
    cors: { allow_origins: ["https://app.example"] },
  }),
  secrets: { SECRET },
  ratelimits: { FAILURES: { namespace_id: "1001", simple: { limit: LIMIT, period: 60 } } },
});

const from = (address) => ({ headers: { "CF-Connecting-IP": address } });

/** Refused tokens until one of them is too many; the limiter's period may begin anew in between. */
async function exhaust(gate, address) {
  for (let i = 0; i < 3 * LIMIT; i += 1) {
    const response = await gate.fetchWith("a.b.c", "/api/a", from(address));
    if (response.status === 429) return { response, before: i };
    await assertRefused(response, 401, INVALID);
  }
  throw new Error(`${3 * LIMIT} refused tokens were not too many`);
}

gateTest(
  "too many refused tokens from one address get 429, and good ones pass",
  limited,
  async ({ gate, origin }) => {
    const { response, before } = await exhaust(gate, "192.0.2.1");
    assert.ok(before >= LIMIT, `after ${before}`);
    const { header } = await assertProblem(response, 429);
    assert.equal(header("retry-after"), "60");
    assert.equal(header("www-authenticate"), undefined);
    origin.expectNone();

    // Only refusals of tokens are answered so.
    await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a", from("192.0.2.1")), origin);
    await assertAdmitted(await gate.fetch("/public/a", from("192.0.2.1")), origin);
    await assertRefused(await gate.fetch("/api/a", from("192.0.2.1")), 401);
    await assertRefused(
      await gate.fetchWith(hs256Token({ exp: 1 }), "/api/a", from("192.0.2.1")),
      401,
      EXPIRED,
    );
    await assertProblem(await gate.fetch("/nowhere", from("192.0.2.1")), 404);

    // And only those of that client.
    await assertRefused(await gate.fetchWith("a.b.c", "/api/a", from("192.0.2.2")), 401, INVALID);
    origin.expectNone();
    await gate.logs.waitFor(({ structured }) =>
      structured.some(({ code }) => code === "rate_limited"),
    );
    assert.ok(!gate.logs.text.includes("192.0.2."), "an address is logged");
  },
);

gateTest("what tries no token out is never counted", limited, async ({ gate, origin }) => {
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
});

gateTest("an IPv6 client is its network of 64 bits", limited, async ({ gate, origin }) => {
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

gateTest("who has no address is not counted", limited, async ({ gate, origin }) => {
  for (let i = 0; i < 3 * LIMIT; i += 1) {
    for (const address of ["unknown", "192.0.2.1, 192.0.2.9"]) {
      await assertRefused(await gate.fetchWith("a.b.c", "/api/a", from(address)), 401, INVALID);
    }
  }
  origin.expectNone();
});

gateTest(
  "without the binding nothing is judged",
  ({ origin }) => ({ ...limited({ origin }), ratelimits: {} }),
  async ({ gate, origin }) => {
    await assertProblem(await gate.fetchWith(hs256Token(), "/api/a"), 500);
    await gate.logs.waitFor(({ structured }) =>
      structured.some(({ path }) => path === "rate_limit.binding"),
    );
    origin.expectNone();
  },
);
