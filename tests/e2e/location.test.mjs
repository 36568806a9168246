// URLs of the origin in `Location` and `Content-Location`, and an origin below a path.

import assert from "node:assert/strict";
import { gateTest, policies } from "./harness/index.mjs";

/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

/** @param {Running} gate @param {string} [path] */
const request = (gate, path = "/api/items") =>
  gate.raw({ target: path, headers: [["Authorization", `Bearer ${hs256Token()}`]] });

/**
 * Checks each header of the origin's response against what the client receives.
 *
 * @param {Running} gate
 * @param {Origin} origin
 * @param {[sent: string, received: string][]} rows
 */
async function check(gate, origin, rows) {
  for (const [sent, received] of rows) {
    for (const [status, name] of /** @type {const} */ ([
      [307, "Location"],
      [201, "Location"],
      [200, "Content-Location"],
    ])) {
      origin.answerWith({ status, headers: { [name]: sent }, body: "the body" });
      const response = await request(gate);
      assert.equal(response.status, status);
      assert.equal(response.header(name.toLowerCase()), received, `${name}: ${sent}`);
      assert.equal(response.text, "the body");
      origin.expectOne();
    }
  }
}

for (const decisions of ["none", "all"]) {
  gateTest(
    `a redirect to the origin becomes a redirect to the gate, with decisions = "${decisions}"`,
    ({ origin }) => ({ policy: hs256({ origin, log: { decisions } }), secrets: { SECRET } }),
    async ({ gate, origin }) => {
      await check(gate, origin, [
        [`${origin.url}/api/items/`, `${gate.url}/api/items/`],
        [`${origin.url}/a?b=c#d`, `${gate.url}/a?b=c#d`],
        [`${origin.url}`, `${gate.url}/`],
        [`${origin.url}?x`, `${gate.url}/?x`],
        [`HTTP://${origin.host}/a`, `${gate.url}/a`],
        // A server behind another one that ends TLS does not know the client's scheme.
        [`https://${origin.host}/a`, `${gate.url}/a`],
        [`//${origin.host}/a`, `${gate.url}/a`],
        // These lead elsewhere, or are relative to the client's URL already.
        [`http://${origin.host}.example/a`, `http://${origin.host}.example/a`],
        [`http://user@${origin.host}/a`, `http://user@${origin.host}/a`],
        ["https://other.example/?next=" + origin.url, "https://other.example/?next=" + origin.url],
        ["/api/items/", "/api/items/"],
        ["?page=2", "?page=2"],
        ["items/", "items/"],
      ]);
    },
  );
}

gateTest(
  `location = "keep" leaves URLs of the origin as they are`,
  ({ origin }) => ({
    policy: hs256({ origin, forward: { location: "keep" } }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    await check(gate, origin, [[`${origin.url}/a`, `${origin.url}/a`]]);
  },
);

gateTest(
  "an origin below a path receives requests below that path, and redirects lose it",
  ({ origin }) => ({
    policy: hs256({ origin: `${origin.url}/base/v1/`, forward: {} }),
    secrets: { SECRET },
  }),
  async ({ gate, origin }) => {
    const targets = { "/api/items?a=b": "/base/v1/api/items?a=b", "/api/": "/base/v1/api/" };
    for (const [target, expected] of Object.entries(targets)) {
      assert.equal((await request(gate, target)).status, 200);
      assert.equal(origin.expectOne().target, expected);
    }
    await check(gate, origin, [
      [`${origin.url}/base/v1/a?b`, `${gate.url}/a?b`],
      [`${origin.url}/base/v1`, `${gate.url}/`],
      ["/base/v1/a", "/a"],
      ["/base/v1", "/"],
      // The client cannot reach what is not below the path.
      [`${origin.url}/base/v10/a`, `${origin.url}/base/v10/a`],
      ["/base/v10", "/base/v10"],
      [`${origin.url}/login`, `${origin.url}/login`],
    ]);
  },
);

gateTest(
  "fixed headers reach the origin on every route, and clients can neither send nor read them",
  ({ origin }) => ({
    policy: hs256({
      origin,
      forward: {
        authorization: "strip",
        headers: {
          "X-Api-Key": "ORIGIN_KEY",
          "CF-Access-Client-Secret": "ORIGIN_KEY",
          Authorization: "ORIGIN_LOGIN",
        },
      },
    }),
    secrets: { SECRET, ORIGIN_KEY: "the key of the origin", ORIGIN_LOGIN: "Basic dTpw" },
  }),
  async ({ gate, origin }) => {
    for (const target of ["/api/a", "/public/a", "/optional/a"]) {
      const response = await gate.raw({
        target,
        headers: [
          ["X-Api-Key", "forged"],
          ["X_Api_Key", "forged"],
          ...(target === "/api/a" ? [["Authorization", `Bearer ${hs256Token()}`]] : []),
        ],
      });
      assert.equal(response.status, 200);
      const { headerLines, text } = response;
      assert.doesNotMatch(JSON.stringify([headerLines, text]), /the key of the origin|dTpw/);
      const received = origin.expectOne();
      assert.equal(received.header("X-Api-Key"), "the key of the origin");
      assert.equal(received.header("CF-Access-Client-Secret"), "the key of the origin");
      assert.equal(received.header("Authorization"), "Basic dTpw");
      assert.equal(received.header("X_Api_Key"), undefined);
    }
    assert.doesNotMatch(gate.logs.text, /the key of the origin|dTpw/);
  },
);
