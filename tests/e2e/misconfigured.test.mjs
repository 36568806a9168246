// An invalid policy makes the gate reject every request with 500, even on public routes. The log
// names every fault, the response names none, and no request reaches the origin.

import assert from "node:assert/strict";
import { assertProblem, gateTest, policies } from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { TestPolicy } from "./harness/policies.mjs" */
/** @import { Running } from "./harness/running.mjs" */

/** @typedef {Record<string, unknown>} Table */
/**
 * The parts of a policy. Their types allow any change, so that a test can make the policy invalid.
 *
 * @typedef {object} Draft
 * @property {Table & {forward: Table}} policy
 * @property {Table & {keys: Table}} issuer The only issuer of the policy.
 * @property {[Table, Table, ...Table[]]} routes
 */

const { hs256, hs256Token, SECRET } = policies;

const TARGETS = ["/", "/public/a", "/optional/a", "/api/a", "/admin/a", "/unknown", "/public/../x"];

/**
 * Options of a gate with a fault. `change` gets a valid policy and returns what is deployed.
 *
 * @param {(policy: TestPolicy) => GateOptions} change
 * @returns {(site: {origin: Origin}) => GateOptions}
 */
const faulted =
  (change) =>
  ({ origin }) => ({ runtime: "workerd", secrets: { SECRET }, ...change(hs256({ origin })) });

/**
 * Options of a gate with an invalid policy, which `change` makes from a valid one.
 *
 * @param {(draft: Draft) => void} change
 */
const policyWith = (change) =>
  faulted((policy) => {
    const { issuers, routes } = policy;
    const draft = /** @type {unknown} */ ({ policy, issuer: issuers[0], routes });
    change(/** @type {Draft} */ (draft));
    return { policy };
  });

/** @type {Record<string, {options: (site: {origin: Origin}) => GateOptions, named: RegExp[]}>} */
const CASES = {
  "no secret": { options: faulted((policy) => ({ policy, secrets: {} })), named: [/SECRET/] },
  "an empty secret": {
    options: faulted((policy) => ({ policy, secrets: { SECRET: "" } })),
    named: [/SECRET|secret/],
  },
  "RFC 7518 section 3.2: a secret of 31 bytes": {
    options: faulted((policy) => ({ policy, secrets: { SECRET: SECRET.slice(0, 31) } })),
    named: [/31.*32|32.*31/],
  },
  "a secret with a line break at its end": {
    options: faulted((policy) => ({ policy, secrets: { SECRET: `${SECRET}\n` } })),
    named: [/white ?space|line/i],
  },
  "a secret that is not a string": {
    options: faulted((policy) => ({ policy, secrets: {}, vars: { SECRET: { a: 1 } } })),
    named: [/SECRET/],
  },
  "a public key in place of a secret": {
    options: faulted((policy) => ({
      policy,
      secrets: { SECRET: "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----\n" },
    })),
    named: [/PEM|public key/],
  },
  "an unknown key of the policy": {
    options: policyWith(({ policy }) => {
      policy.orgin = policy.origin;
    }),
    named: [/orgin.*origin/s],
  },
  "an unknown key of an issuer": {
    options: policyWith(({ issuer }) => {
      issuer.audiense = ["x"];
    }),
    named: [/issuers\D*0\D*|issuers.*issuer/s, /audiense.*audience/s],
  },
  "an unknown key of a route": {
    options: policyWith(({ routes }) => {
      routes[1].acess = "public";
    }),
    named: [/routes/, /acess.*access/s],
  },
  "an origin that is not a URL": {
    options: policyWith(({ policy }) => {
      policy.origin = "not a url";
    }),
    named: [/origin/],
  },
  "a plain HTTP origin on another host": {
    options: policyWith(({ policy }) => {
      policy.origin = "http://api.example.com";
    }),
    named: [/origin/],
  },
  "an origin with a path that servers read in different ways": {
    options: policyWith(({ policy }) => {
      policy.origin = `${policy.origin}/v1//..`;
    }),
    named: [/origin/],
  },
  "an origin with user and password": {
    options: policyWith(({ policy }) => {
      policy.origin = String(policy.origin).replace("//", "//user:canary@");
    }),
    named: [/origin/],
  },
  "no origin": {
    options: policyWith(({ policy }) => {
      delete policy.origin;
    }),
    named: [/origin/],
  },
  "an origin behind a missing service binding": {
    options: policyWith(({ policy }) => {
      policy.origin = "service:BACKEND";
    }),
    named: [/BACKEND/],
  },
  "two routes with the same pattern": {
    options: policyWith(({ routes }) => {
      routes.push({ path: "/api/*", access: "public" });
    }),
    named: [/routes\[5\].*routes\[3\]/],
  },
  "two routes that differ only in the names of their parameters": {
    options: policyWith(({ routes }) => {
      routes.push({ path: "/x/{a}" }, { path: "/x/{b}", access: "public" });
    }),
    named: [/routes\[6\].*routes\[5\]/],
  },
  "no routes": {
    options: policyWith(({ policy }) => {
      delete policy.routes;
    }),
    named: [/routes/],
  },
  "a route without a path": {
    options: policyWith(({ routes }) => {
      delete routes[0].path;
    }),
    named: [/path/],
  },
  "an unknown value of access": {
    options: policyWith(({ routes }) => {
      routes[0].access = "Public";
    }),
    named: [/access/],
  },
  "symmetric and asymmetric algorithms together": {
    options: policyWith(({ issuer }) => {
      issuer.algorithms = ["HS256", "RS256"];
    }),
    named: [/algorithms/],
  },
  "algorithm none": {
    options: policyWith(({ issuer }) => {
      issuer.algorithms = ["none"];
    }),
    named: [/algorithms/],
  },
  "no algorithms": {
    options: policyWith(({ issuer }) => {
      issuer.algorithms = [];
    }),
    named: [/algorithms/],
  },
  "no audience": {
    options: policyWith(({ issuer }) => {
      delete issuer.audience;
    }),
    named: [/audience/],
  },
  "no issuer": {
    options: policyWith(({ issuer }) => {
      delete issuer.issuer;
    }),
    named: [/issuer/],
  },
  "two sources of keys": {
    options: policyWith(({ issuer }) => {
      issuer.keys.pem = "SECRET";
    }),
    named: [/keys/],
  },
  "a leeway of an hour": {
    options: policyWith(({ issuer }) => {
      issuer.leeway = 3600;
    }),
    named: [/leeway/],
  },
  "a realm that contains a quote": {
    options: policyWith(({ policy }) => {
      policy.realm = 'a", error="x';
    }),
    named: [/realm/],
  },
  "a claim header with an invalid name": {
    options: policyWith(({ policy }) => {
      policy.forward.claims = { "X Auth": "/sub" };
    }),
    named: [/X Auth/],
  },
  "no policy": {
    options: () => ({ runtime: "workerd", secrets: { SECRET } }),
    named: [/POLICY/],
  },
  "a policy that is not JSON": {
    options: () => ({ runtime: "workerd", secrets: { SECRET }, policy: "{ origin: canary" }),
    named: [/JSON/],
  },
  "a policy that is a JSON array": {
    options: () => ({ runtime: "workerd", secrets: { SECRET }, policy: "[]" }),
    named: [/./],
  },
  "an empty policy": {
    options: () => ({ runtime: "workerd", secrets: { SECRET }, policy: {} }),
    named: [/origin/, /routes/],
  },
};

/**
 * Stops a Worker, so that its output is complete, and returns the faults that it logged.
 *
 * @param {Running} gate
 */
async function faultsWhenStopped(gate) {
  await gate.stop();
  return gate.logs.structured.filter(({ event }) => event === "policy_fault");
}

for (const [name, { options, named }] of Object.entries(CASES)) {
  gateTest(`answers 500 and logs the fault: ${name}`, options, async ({ gate, origin }) => {
    for (const target of TARGETS) {
      for (const headers of [[], [["Authorization", `Bearer ${hs256Token({ scope: "admin" })}`]]]) {
        const { text, header } = await assertProblem(await gate.raw({ target, headers }), 500, {
          why: target,
        });
        assert.doesNotMatch(text, /SECRET|origin|routes|canary|127\.0\.0\.1/);
        assert.equal(header("www-authenticate"), undefined);
      }
    }
    await assertProblem(await gate.raw({ method: "HEAD", target: "/public/a" }), 500, {
      head: true,
    });
    origin.expectNone();

    const said = (await faultsWhenStopped(gate)).map((fault) => JSON.stringify(fault));
    for (const pattern of named)
      assert.ok(
        said.some((line) => pattern.test(line)),
        `${pattern} in ${said.join("\n")}`,
      );
    assert.deepEqual(said, [...new Set(said)], "a fault is logged more than once");
    assert.ok(!gate.logs.text.includes(SECRET.slice(0, 20)), "the log contains a secret");
    assert.ok(!gate.logs.text.includes("canary"), "the log contains text of the policy");
  });
}

gateTest(
  "logs all faults of a policy at once, each with its path",
  policyWith(({ policy, issuer, routes }) => {
    policy.reallm = "x";
    issuer.leeway = "a minute";
    issuer.algorithms = ["RS256"];
    routes[0].acces = "public";
    routes.push({ path: "no-slash" });
    policy.origin = "ftp://x";
  }),
  async ({ gate, origin }) => {
    await assertProblem(await gate.fetch("/public/a"), 500);
    origin.expectNone();
    const places = [/reallm/, /leeway/, /routes.*acces/s, /no-slash|routes/, /origin/];
    const faults = await faultsWhenStopped(gate);
    const said = faults.map((fault) => JSON.stringify(fault));
    for (const place of places)
      assert.ok(
        said.some((line) => place.test(line)),
        `${place} in ${said.join("\n")}`,
      );
    assert.ok(
      faults.every(({ path }) => typeof path === "string" && path !== ""),
      JSON.stringify(faults),
    );
  },
);
