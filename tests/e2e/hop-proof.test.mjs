// The hop proof, verified with the example code of docs/hop-proof.md.

import assert from "node:assert/strict";
import { provenByTheGate } from "../../examples/hop-proof/proof.mjs";
import { assertAdmitted, policies, tokens, withGate } from "./harness/index.mjs";

/** @import { Origin, Received } from "./harness/origin.mjs" */

/** @typedef {Parameters<typeof provenByTheGate>[0]} NodeRequest */

const { hs256, hs256Token, SECRET } = policies;

const HOP_SECRET = "a secret that only the gate and the origin know, of 48 bytes or more";

for (const runtime of ["miniflare", "workerd"]) {
  withGate(
    `the hop proof in ${runtime}`,
    ({ origin }) => ({
      runtime,
      policy: hs256({
        origin,
        token: { sources: ["authorization", { query: "access_token" }] },
        forward: { claims: { "X-Auth-Subject": "/sub" }, proof: { secret: "HOP_SECRET" } },
        log: { decisions: "all" },
      }),
      secrets: { SECRET, HOP_SECRET },
    }),
    (test) => {
      /**
       * The request as a Node server passes it to the example code.
       *
       * @param {Received} seen
       * @param {Partial<NodeRequest>} [changes]
       */
      const asNode = (seen, changes = {}) => ({
        method: seen.method,
        url: seen.target,
        headers: { "x-portcullis-proof": seen.header("x-portcullis-proof") },
        ...changes,
      });
      const options = (/** @type {Origin} */ origin) => ({
        secret: HOP_SECRET,
        audience: origin.url,
      });

      test("the origin can verify that a request came through the gate, and its subject", async ({
        gate,
        origin,
      }) => {
        const token = hs256Token();
        /** @type {[target: string, sub: string | undefined, init: RequestInit][]} */
        const requests = [
          ["/api/a", "user-1", { headers: { Authorization: `Bearer ${token}` } }],
          [
            "/api/a?b=c&d=%2F'\"<é>",
            "user-1",
            { headers: { Authorization: `Bearer ${token}` }, method: "POST" },
          ],
          [`/api/a?x=1&access_token=${token}`, "user-1", {}],
          ["/api/a?", "user-1", { headers: { Authorization: `Bearer ${token}` } }],
          ["/optional/a", undefined, {}],
          ["/public/a?x=y", undefined, { headers: { Authorization: `Bearer ${token}` } }],
        ];
        for (const [target, sub, init] of requests) {
          const seen = await assertAdmitted(await gate.fetch(target, init), origin, target);
          const claims = await provenByTheGate(asNode(seen), options(origin));
          assert.equal(claims.sub, sub, target);
          const [iat, exp] = [Number(claims.iat), Number(claims.exp)];
          assert.equal(exp - iat, 60);
          assert.ok(Math.abs(iat - tokens.now()) < 60);
          assert.deepEqual(Object.keys(claims).sort(), [
            "aud",
            "exp",
            "htm",
            "htu",
            "iat",
            "iss",
            ...(sub === undefined ? [] : ["sub"]),
          ]);
        }
      });

      test("a proof is rejected for another request, origin or secret", async ({
        gate,
        origin,
      }) => {
        const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a?b=c"), origin);
        /**
         * @param {NodeRequest} request
         * @param {Partial<ReturnType<typeof options>>} [changes]
         */
        const rejected = (request, changes) =>
          assert.rejects(
            provenByTheGate(request, { ...options(origin), ...changes }),
            JSON.stringify(request),
          );
        await provenByTheGate(asNode(seen), options(origin));
        await rejected(asNode(seen, { method: "DELETE" }));
        await rejected(asNode(seen, { url: "/api/a" }));
        await rejected(asNode(seen, { url: "/api/b?b=c" }));
        await rejected(asNode(seen, { headers: {} }));
        await rejected(asNode(seen, { headers: { "x-portcullis-proof": hs256Token() } }));
        await rejected(asNode(seen), { audience: "https://other.example" });
        await rejected(asNode(seen), { secret: SECRET });
      });

      test("attack 31: a proof sent by a client is removed on every route", async ({
        gate,
        origin,
      }) => {
        const forged = tokens.token({
          key: HOP_SECRET.toUpperCase(),
          header: { typ: "portcullis-proof+jwt" },
          payload: { iss: "portcullis", aud: origin.url, sub: "admin", exp: tokens.now() + 60 },
        });
        for (const target of ["/public/a", "/optional/a", "/api/a"]) {
          const names = [
            "X-Portcullis-Proof",
            "x_portcullis_proof",
            "X-PORTCULLIS_Proof",
            "X.Portcullis.Proof",
          ];
          const headers = [
            ["Authorization", `Bearer ${hs256Token()}`],
            ...names.map((name) => [name, forged]),
          ];
          const seen = await assertAdmitted(await gate.raw({ target, headers }), origin, target);
          const proofs = seen.headerLines.filter(([name]) => /^x.portcullis.proof$/i.test(name));
          assert.equal(proofs.length, 1);
          assert.notEqual(proofs[0]?.[1], forged);
          await provenByTheGate(asNode(seen), options(origin));
        }
      });

      test("attack 22: a proof sent as a token is refused and not logged", async ({
        gate,
        origin,
      }) => {
        const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
        const proof = seen.header("x-portcullis-proof");
        assert.ok(proof);
        assert.equal((await gate.fetchWith(proof, "/api/a")).status, 401);
        origin.expectNone();
        for (const segment of proof.split(".")) assert.ok(!gate.logs.text.includes(segment));
      });
    },
  );
}
