// Ways to test rules before they are enforced: report mode, and a candidate policy in shadow mode.

import assert from "node:assert/strict";
import {
  assertAdmitted,
  assertProblem,
  assertRefused,
  gateTest,
  policies,
  withGate,
} from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, ISSUER, AUDIENCE, SECRET } = policies;

const HOP_SECRET = "what gate and origin share, and nobody else: 48 bytes or so";

const ROUTES = [
  { path: "/api/*", mode: "report", methods: ["GET"] },
  { path: "/admin/*", mode: "report", scopes: ["admin"] },
  { path: "/strict/*" },
];

/** @param {Running} gate */
const decisions = (gate) => gate.logs.structured.filter(({ event }) => event === "decision");
/** @param {Running} gate */
const differences = (gate) => gate.logs.structured.filter(({ event }) => event === "candidate");

withGate(
  "report mode",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({
      origin,
      routes: ROUTES,
      forward: {
        claims: { "X-Auth-Subject": "/sub" },
        payload: "X-Payload",
        proof: { secret: "HOP_SECRET" },
      },
    }),
    secrets: { SECRET, HOP_SECRET },
  }),
  (test) => {
    const forged = {
      "X-Auth-Subject": "admin",
      x_payload: "forged",
      "X-Portcullis-Proof": "forged",
    };

    test("forwards requests that it would refuse, without identity headers", async ({
      gate,
      origin,
    }) => {
      for (const [path, token, code] of /** @type {const} */ ([
        ["/api/a", undefined, "missing_token"],
        ["/api/a", "a.b.c", "malformed_token"],
        ["/api/a", hs256Token({ exp: 1 }), "expired"],
        ["/admin/a", hs256Token(), "insufficient_scope"],
      ])) {
        const before = decisions(gate).length;
        const headers = {
          ...forged,
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        };
        const seen = await assertAdmitted(await gate.fetch(path, { headers }), origin, code);
        for (const name of ["x-auth-subject", "x-payload", "x_payload", "x-portcullis-proof"]) {
          assert.equal(seen.header(name), undefined, name);
        }
        await gate.logs.waitFor(() => decisions(gate).length > before);
        const line = decisions(gate).at(-1);
        assert.deepEqual([line?.decision, line?.code, line?.status], ["reported", code, 200]);
      }
    });

    test("forwards the identity of a valid token", async ({ gate, origin }) => {
      const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
      assert.equal(seen.header("x-auth-subject"), "user-1");
      assert.ok(seen.header("x-portcullis-proof"));
    });

    test("still refuses with 400, 404 and 405, and enforces other routes", async ({
      gate,
      origin,
    }) => {
      await assertProblem(await gate.raw({ target: "/api//a" }), 400);
      await assertProblem(
        await gate.raw({ target: "/api/a", headers: [["Authorization", "Bearer"]] }),
        400,
      );
      await assertProblem(await gate.fetch("/nowhere"), 404);
      await assertProblem(await gate.fetch("/api/a", { method: "POST" }), 405);
      await assertRefused(await gate.fetch("/strict/a"), 401);
      origin.expectNone();
    });
  },
);

/** @param {{origin: Origin}} site */
const stricter = ({ origin }) =>
  hs256({
    origin,
    issuers: [
      {
        name: "issuer",
        issuer: ISSUER,
        audience: [AUDIENCE],
        algorithms: ["HS256"],
        max_age: 60,
        keys: { secret: "SECRET" },
      },
    ],
    forward: { claims: { "X-Auth-Subject": "/tenant" } },
  });

gateTest(
  "a candidate policy only logs requests for which its verdict or identity would differ",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin }),
    vars: { POLICY_CANDIDATE: stricter({ origin }) },
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    const old = await assertAdmitted(
      await gate.fetchWith(hs256Token({ tenant: "canary-tenant" }), "/api/a"),
      origin,
    );
    assert.equal(old.header("x-auth-subject"), "user-1");
    const iat = Math.floor(Date.now() / 1000);
    const other = await assertAdmitted(
      await gate.fetchWith(hs256Token({ tenant: "canary-tenant", iat }), "/api/a"),
      origin,
    );
    assert.equal(other.header("x-auth-subject"), "user-1");
    await assertRefused(await gate.fetch("/api/a"), 401);
    await assertAdmitted(await gate.fetch("/public/a"), origin);
    await gate.stop();
    assert.deepEqual(
      differences(gate).map(({ enforced, candidate, identity_differs, route }) => [
        enforced,
        candidate,
        identity_differs,
        route,
      ]),
      [
        ["admitted", "refused: missing_claim", false, "/api/*"],
        ["admitted", "admitted", true, "/api/*"],
      ],
    );
    assert.ok(!gate.logs.text.includes("canary"));
  },
);

gateTest(
  "an invalid candidate policy has no effect but one log line for each fault",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin }),
    vars: { POLICY_CANDIDATE: JSON.stringify({ ...hs256({ origin }), orgin: "x", realm: '"' }) },
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    for (let i = 0; i < 3; i += 1)
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    await assertRefused(await gate.fetch("/api/a"), 401);
    await gate.stop();
    const faults = gate.logs.structured.filter(({ event }) => event === "candidate_fault");
    assert.deepEqual(faults.map(({ path }) => path).sort(), ["orgin", "realm"]);
    assert.deepEqual(differences(gate), []);
    assert.deepEqual(
      gate.logs.structured.filter(({ event }) => event === "policy_fault"),
      [],
    );
  },
);

gateTest(
  "a candidate policy that is not JSON is logged once",
  ({ origin }) => ({
    runtime: "workerd",
    policy: hs256({ origin }),
    vars: { POLICY_CANDIDATE: "{ not JSON" },
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    for (let i = 0; i < 2; i += 1)
      await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
    await gate.stop();
    const faults = gate.logs.structured.filter(({ event }) => event === "candidate_fault");
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]?.problem), /POLICY_CANDIDATE is not valid JSON/);
  },
);
