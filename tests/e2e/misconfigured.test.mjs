// A policy with a fault refuses everything: no route is open, the origin is never reached, the operator's log names
// every fault, and the client is told nothing.

import assert from "node:assert/strict";
import { assertProblem, gateTest, policies } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const TARGETS = ["/", "/public/a", "/optional/a", "/api/a", "/admin/a", "/unknown", "/public/../x"];

/** Faults the policy: `change` gets a good one and returns what is deployed. */
const faulted =
  (change) =>
  ({ origin }) => ({ runtime: "workerd", secrets: { SECRET }, ...change(hs256({ origin })) });

const policyWith = (change) =>
  faulted((policy) => {
    change(policy);
    return { policy };
  });

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
  "a secret that is no string": {
    options: faulted((policy) => ({ policy, secrets: {}, vars: { SECRET: { a: 1 } } })),
    named: [/SECRET/],
  },
  "a public key for a secret": {
    options: faulted((policy) => ({
      policy,
      secrets: { SECRET: "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----\n" },
    })),
    named: [/PEM|public key/],
  },
  "an unknown key of the policy": {
    options: policyWith((policy) => {
      policy.orgin = policy.origin;
    }),
    named: [/orgin.*origin/s],
  },
  "an unknown key of an issuer": {
    options: policyWith((policy) => {
      policy.issuers[0].audiense = ["x"];
    }),
    named: [/issuers\D*0\D*|issuers.*issuer/s, /audiense.*audience/s],
  },
  "an unknown key of a route": {
    options: policyWith((policy) => {
      policy.routes[1].acess = "public";
    }),
    named: [/routes/, /acess.*access/s],
  },
  "an origin that is no URL": {
    options: policyWith((policy) => {
      policy.origin = "not a url";
    }),
    named: [/origin/],
  },
  "an origin over http that is not on this machine": {
    options: policyWith((policy) => {
      policy.origin = "http://api.example.com";
    }),
    named: [/origin/],
  },
  "an origin with a path": {
    options: policyWith((policy) => {
      policy.origin += "/v1";
    }),
    named: [/origin/],
  },
  "an origin with user and password": {
    options: policyWith((policy) => {
      policy.origin = policy.origin.replace("//", "//user:canary@");
    }),
    named: [/origin/],
  },
  "no origin": {
    options: policyWith((policy) => {
      delete policy.origin;
    }),
    named: [/origin/],
  },
  "an origin behind a service binding that is not there": {
    options: policyWith((policy) => {
      policy.origin = "service:BACKEND";
    }),
    named: [/BACKEND/],
  },
  "two routes that tie": {
    options: policyWith((policy) => {
      policy.routes.push({ path: "/api/*", access: "public" });
    }),
    named: [/routes\[5\].*routes\[3\]/],
  },
  "two routes that tie under other names": {
    options: policyWith((policy) => {
      policy.routes.push({ path: "/x/{a}" }, { path: "/x/{b}", access: "public" });
    }),
    named: [/routes\[6\].*routes\[5\]/],
  },
  "no routes": {
    options: policyWith((policy) => {
      delete policy.routes;
    }),
    named: [/routes/],
  },
  "a route without a path": {
    options: policyWith((policy) => {
      delete policy.routes[0].path;
    }),
    named: [/path/],
  },
  "an access that does not exist": {
    options: policyWith((policy) => {
      policy.routes[0].access = "Public";
    }),
    named: [/access/],
  },
  "symmetric and asymmetric algorithms together": {
    options: policyWith((policy) => {
      policy.issuers[0].algorithms = ["HS256", "RS256"];
    }),
    named: [/algorithms/],
  },
  "algorithm none": {
    options: policyWith((policy) => {
      policy.issuers[0].algorithms = ["none"];
    }),
    named: [/algorithms/],
  },
  "no algorithms": {
    options: policyWith((policy) => {
      policy.issuers[0].algorithms = [];
    }),
    named: [/algorithms/],
  },
  "no audience": {
    options: policyWith((policy) => {
      delete policy.issuers[0].audience;
    }),
    named: [/audience/],
  },
  "no issuer": {
    options: policyWith((policy) => {
      delete policy.issuers[0].issuer;
    }),
    named: [/issuer/],
  },
  "two sources of keys": {
    options: policyWith((policy) => {
      policy.issuers[0].keys.pem = "SECRET";
    }),
    named: [/keys/],
  },
  "a leeway of an hour": {
    options: policyWith((policy) => {
      policy.issuers[0].leeway = 3600;
    }),
    named: [/leeway/],
  },
  "a realm that would break the challenge": {
    options: policyWith((policy) => {
      policy.realm = 'a", error="x';
    }),
    named: [/realm/],
  },
  "an identity header that is no header name": {
    options: policyWith((policy) => {
      policy.forward.claims = { "X Auth": "/sub" };
    }),
    named: [/X Auth/],
  },
  "no policy at all": {
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

/** The faults in all that a Worker logged, its output read to the end: one line may come long after another. */
async function faultsWhenStopped(gate) {
  await gate.stop();
  return gate.logs.structured.filter(({ event }) => event === "policy_fault");
}

for (const [name, { options, named }] of Object.entries(CASES)) {
  gateTest(`misconfigured: ${name}`, options, async ({ gate, origin }) => {
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
    assert.deepEqual(said, [...new Set(said)], "each fault once");
    assert.ok(!gate.logs.text.includes(SECRET.slice(0, 20)), "a secret is in the log");
    assert.ok(!gate.logs.text.includes("canary"), "the policy's text is in the log");
  });
}

gateTest(
  "misconfigured: every fault is named at once, each with its place",
  policyWith((policy) => {
    policy.reallm = "x";
    policy.issuers[0].leeway = "a minute";
    policy.issuers[0].algorithms = ["RS256"];
    policy.routes[0].acces = "public";
    policy.routes.push({ path: "no-slash" });
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
