// The proof that a request came through the gate, read by the code that docs/hop-proof.md gives to people.

import assert from "node:assert/strict";
import { provenByTheGate } from "../../examples/hop-proof/proof.mjs";
import { assertAdmitted, policies, tokens, withGate } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const HOP_SECRET = "what gate and origin share, and nobody else: 48 bytes or so";

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
      /** What a Node server would hand to the code in the page. */
      const asNode = (seen, changes = {}) => ({
        method: seen.method,
        url: seen.target,
        headers: { "x-portcullis-proof": seen.header("x-portcullis-proof") },
        ...changes,
      });
      const options = (origin) => ({ secret: HOP_SECRET, audience: origin.url });

      test("the origin can tell that a request came through the gate, and in whose name", async ({
        gate,
        origin,
      }) => {
        const token = hs256Token();
        for (const [target, sub, init] of [
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
        ]) {
          const seen = await assertAdmitted(await gate.fetch(target, init), origin, target);
          const claims = await provenByTheGate(asNode(seen), options(origin));
          assert.equal(claims.sub, sub, target);
          assert.equal(claims.exp - claims.iat, 60);
          assert.ok(Math.abs(claims.iat - tokens.now()) < 60);
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

      test("a proof is good for no other request, origin or secret", async ({ gate, origin }) => {
        const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a?b=c"), origin);
        const bad = (request, more) =>
          assert.rejects(
            provenByTheGate(request, { ...options(origin), ...more }),
            JSON.stringify(request),
          );
        await provenByTheGate(asNode(seen), options(origin));
        await bad(asNode(seen, { method: "DELETE" }));
        await bad(asNode(seen, { url: "/api/a" }));
        await bad(asNode(seen, { url: "/api/b?b=c" }));
        await bad(asNode(seen, { headers: {} }));
        await bad(asNode(seen, { headers: { "x-portcullis-proof": hs256Token() } }));
        await bad(asNode(seen), { audience: "https://other.example" });
        await bad(asNode(seen), { secret: SECRET });
      });

      test("attack 31: what a client sends under its name is removed, on every route", async ({
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
          assert.notEqual(proofs[0][1], forged);
          await provenByTheGate(asNode(seen), options(origin));
        }
      });

      test("attack 22: a proof sent back as a token is refused, and none is logged", async ({
        gate,
        origin,
      }) => {
        const seen = await assertAdmitted(await gate.fetchWith(hs256Token(), "/api/a"), origin);
        const proof = seen.header("x-portcullis-proof");
        assert.equal((await gate.fetchWith(proof, "/api/a")).status, 401);
        origin.expectNone();
        for (const segment of proof.split(".")) assert.ok(!gate.logs.text.includes(segment));
      });
    },
  );
}
