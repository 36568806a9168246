// The gate forwards exactly the URL that it evaluated. Each runtime normalizes URLs in its own way,
// so a probe Worker reports which URL a Worker gets for each target. The gate must either refuse
// that URL or decide by it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  assertProblem,
  assertRefused,
  policies,
  scriptWorker,
  startGate,
  withGate,
} from "./harness/index.mjs";

/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */
/** @import { Running } from "./harness/running.mjs" */

const { hs256, hs256Token, SECRET } = policies;

const PROBE = scriptWorker(
  "export default { fetch: (request) => Response.json({ url: request.url }) };",
);

/** Paths that servers interpret in different ways. */
const AMBIGUOUS = [
  "//admin",
  "/public//admin",
  "/./admin",
  "/public/../admin",
  "/public/./../admin",
  "/public/%2e%2e/admin",
  "/public/%2E%2E/admin",
  "/public/.%2e/admin",
  "/admin/%2e%2e/public/a",
  "/%61dmin",
  "/public/%61",
  "/admin%2F",
  "/admin%2fusers",
  "/public/..%2fadmin",
  "/public/%2e%2e%2fadmin",
  "/admin;x",
  "/public;/admin",
  "/public/..;/admin",
  "/public/;/../admin",
  "/admin%3Bx",
  "/admin%00",
  "/public/%00/admin",
  "/admin%0a",
  "/admin%0d%0a",
  "/admin%7f",
  "/admin%c2%85",
  "/admin\\",
  "/public\\..\\admin",
  "/public/..\\admin",
  "/admin%5c",
  "/public/..%5cadmin",
  "/public/%252e%252e/admin",
  "/admin%252f",
  "/admin%25%32%66",
  "/admin%2",
  "/admin%",
  "/admin%zz",
  "/admin%ff",
  "/public/%c0%ae%c0%ae/admin",
  "/public/%e0%80%ae/admin",
  "/public/...//admin",
  "/public/..",
  "/public/.",
  "/..",
  "/.",
  "//",
  "/public//",
  "/%2e",
  "/%2e%2e",
  '/admin"x',
  "/admin<x>",
  "/admin^x",
  "/admin`x",
  "/admin{x}",
  "/admin\xe9",
  "/admin\x80",
  "/\xc3\xa9",
  "/public/%ef%bc%8e%ef%bc%8e\\admin",
];

/** Paths that all servers interpret in the same way. */
const PLAIN = [
  "/admin",
  "/admin/",
  "/admin/a.b-c_d~e",
  "/admin/a:b@c!d$e&f'g(h)i*j+k,l=m",
  "/admin/a[0]|b",
  "/ADMIN",
  "/Admin",
  "/public/admin",
  "/public/ADMIN",
  "/public/...",
  "/public/.hidden",
  "/public/a..b",
  "/public/%C3%A9",
  "/public/%25",
  "/public/%23",
  "/public/%3F",
  "/public/%20",
  "/admin?",
  "/admin?/../public/",
  "/public/?next=/../admin",
  "/public/?a=%2e%2e/&b=\\&c=//",
  "/public/a?a#b",
  "/api/%F0%9F%99%82",
];

/** Request targets in other forms than a path. */
const OTHER_FORMS = [
  "http://evil.example/admin",
  "http://evil.example/public/../admin",
  "HTTP://evil.example/public/a",
  "https://evil.example/admin",
  "http://evil.example",
  "http://user:pass@evil.example/admin",
  "*",
  "admin",
  "public/../admin",
  "?/admin",
  "#/admin",
  "/public/a#/../../admin",
  "http:/admin",
  "http:///admin",
  "///admin",
  "/\\/admin",
  "/http://evil.example/admin",
];

/**
 * Returns all paths that an origin may take a path for: decoded several times, with backslashes as
 * slashes, without path parameters, and with dot segments resolved.
 *
 * @param {string} path
 */
function readings(path) {
  const found = new Set();
  let text = path;
  for (let round = 0; round < 4; round += 1) {
    for (const slashes of [text, text.replaceAll("\\", "/")]) {
      for (const bare of [
        slashes,
        slashes.replaceAll(/;[^/]*/g, ""),
        slashes.replace(/[\0#?].*$/s, ""),
      ]) {
        found.add(resolved(bare));
        found.add(bare.replaceAll(/\/+/g, "/"));
      }
    }
    const next = text.replaceAll(/%([0-9a-f]{2})/gi, (_, /** @type {string} */ hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === text) break;
    text = next;
  }
  return [...found];
}

/** @param {string} path */
function resolved(path) {
  /** @type {string[]} */
  const out = [];
  for (const segment of path.split(/\/+/)) {
    if (segment === "..") out.pop();
    else if (segment !== "." && segment !== "") out.push(segment);
  }
  return `/${out.join("/")}`;
}

/** @param {string | undefined} url */
function pathOf(url) {
  const path = /^[a-z]+:\/\/[^/?#\\]*([^?]*)/i.exec(String(url))?.[1];
  assert.ok(path !== undefined, url);
  return path;
}

/** @param {string} path */
const isPublic = (path) => path === "/public" || path.startsWith("/public/");
/** @param {string} path */
const isAdmin = (path) => path === "/admin" || path.startsWith("/admin/");

for (const runtime of ["workerd", "miniflare", "wrangler"]) {
  describe(`paths in ${runtime}`, () => {
    /** @type {Running | undefined} */
    let probe;
    before(async () => {
      probe = await startGate({ runtime, modules: PROBE });
    });
    after(() => probe?.stop());

    /**
     * Returns the URL that a Worker gets for this target, or `undefined` if the runtime answers the
     * request itself.
     *
     * @param {string} target
     * @returns {Promise<string | undefined>}
     */
    const given = async (target) => {
      assert.ok(probe, "the probe did not start");
      const response = await probe.raw({ target });
      return response.status === 200 ? JSON.parse(response.text).url : undefined;
    };

    /**
     * @param {{origin: Origin}} site
     * @returns {GateOptions}
     */
    const options = ({ origin }) => ({
      runtime,
      policy: hs256({ origin, errors: { detail: "reason" } }),
      secrets: { SECRET },
    });
    withGate("request targets", options, (test) => {
      /**
       * Sends a request. If the gate admits it, asserts that the gate forwarded the path that it
       * evaluated, and that an origin cannot take this path for one that needs other permissions.
       *
       * @param {Running} gate
       * @param {Origin} origin
       * @param {string} target
       * @param {string} [token]
       */
      const check = async (gate, origin, target, token) => {
        const headers = token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
        const url = await given(target);
        const response = await gate.raw({ target, headers });
        const { status, text } = response;
        const why = `${JSON.stringify(target)}, given as ${url}: ${status} ${text}`;
        const seen = origin.take();
        if (url === undefined) {
          assert.deepEqual(seen, [], why);
          return { url, response, why };
        }
        assert.ok([200, 400, 401, 403, 404].includes(response.status), why);
        assert.equal(seen.length, response.status === 200 ? 1 : 0, why);
        if (response.status === 200) {
          const judged = pathOf(url) || "/";
          const [path = ""] = seen.flatMap((one) => one.target.split("?"));
          assert.equal(path, judged, why);
          for (const reading of readings(path)) {
            if (token === undefined)
              assert.ok(isPublic(reading), `${why}; an origin may read ${reading}`);
            assert.ok(!isAdmin(reading), `${why}; an origin may read ${reading}`);
          }
        }
        return { url, response, why };
      };

      test("ambiguous paths are refused unless the runtime has normalized them", async ({
        gate,
        origin,
      }) => {
        let refused = 0;
        for (const token of [undefined, hs256Token({ scope: "read" })]) {
          for (const target of AMBIGUOUS) {
            const { url, response, why } = await check(gate, origin, target, token);
            if (url === undefined) continue;
            const untouched = pathOf(url) === target.replaceAll(/[\x80-\xff]/g, () => "");
            if (!untouched) continue;
            await assertProblem(response, 400, { detail: "ambiguous_path", why });
            refused += 1;
          }
        }
        // Plain workerd passes nearly all of them on unchanged. Wrangler's proxy normalizes many.
        assert.ok(refused > AMBIGUOUS.length, `only ${refused} arrived unchanged`);
      });

      test("unambiguous paths get the response that their route prescribes", async ({
        gate,
        origin,
      }) => {
        for (const target of PLAIN) {
          const { url, response, why } = await check(gate, origin, target);
          const path = pathOf(url);
          const expected = isPublic(path)
            ? 200
            : isAdmin(path) || path.startsWith("/api/")
              ? 401
              : 404;
          assert.equal(response.status, expected, why);
        }
      });

      test("RFC 9112 section 3.2: other forms of the request target bypass no route", async ({
        gate,
        origin,
      }) => {
        for (const target of OTHER_FORMS) await check(gate, origin, target);
      });

      test("combinations of dot segments, empty segments and encodings bypass no route", async ({
        gate,
        origin,
      }) => {
        const steps = [
          "/..",
          "/../",
          "/%2e%2e",
          "/.%2E/",
          "\\..\\",
          "/..;a=b/",
          "//",
          "/./",
          "%2f..%2f",
          "%5c..%5c",
          "/%252e%252e/",
          "/..%00/",
          "/.%09./",
        ];
        const token = hs256Token({ scope: "read" });
        for (const start of ["/public", "/public/a", "/api"]) {
          for (const step of steps) {
            for (const end of ["/admin", "admin", "/public/../admin"])
              await check(gate, origin, `${start}${step}${end}`, token);
          }
        }
      });

      test("a query is forwarded with its meaning unchanged", async ({ gate, origin }) => {
        for (const query of [
          "?a=b&a=c",
          "?a=%2F%2e%2e",
          "?",
          "?a=b%20c+d",
          "?=&&",
          "?a[]=1",
          "?q=%E2%82%AC",
          "?/../x",
          "?a=1?b=2",
          "?q='x'",
          "?q=(a)*!~",
        ]) {
          const response = await gate.raw({ target: `/public/a${query}` });
          assert.equal(response.status, 200, query);
          const seen = origin.expectOne();
          const [, sent = ""] = /\?(.*)/.exec(seen.target) ?? [];
          assert.deepEqual([...new URLSearchParams(sent)], [...new URLSearchParams(query)], query);
        }
      });
    });

    withGate("values of Host", options, (test) => {
      test("neither the origin nor the route depends on Host", async ({ gate, origin }) => {
        const hosts = [
          "evil.example",
          "EVIL.EXAMPLE",
          "evil.example.",
          "evil.example:80",
          "user:pass@evil.example",
          "x/public",
          "x/public/..",
          "x/public?",
          "x/public#",
          "x\\public",
          "x?",
          "x#",
          "[::1]",
          "127.0.0.1:1",
          "",
          "a b",
          "xn--a",
          "%61",
        ];
        for (const host of hosts) {
          for (const target of ["/admin", "/public/a"]) {
            const response = await gate.raw({
              bare: true,
              target,
              headers: [
                ["Host", host],
                ["Connection", "close"],
              ],
            });
            const why = `${host} ${target}: ${response.status} ${response.text}`;
            const seen = origin.take();
            for (const one of seen) {
              assert.equal(one.header("host"), origin.host, why);
              assert.ok(readings(one.target.split("?")[0] ?? "").every(isPublic), why);
            }
            if (target === "/admin" && !host.includes("public")) assert.equal(seen.length, 0, why);
          }
        }
      });

      test("requests with two Host lines or none do not reach the origin", async ({
        gate,
        origin,
      }) => {
        for (const headers of [
          [
            ["Host", "a"],
            ["Host", "b"],
          ],
          [],
        ]) {
          const response = await gate.raw({
            bare: true,
            target: "/admin",
            headers: [...headers, ["Connection", "close"]],
          });
          assert.ok(response.status >= 400, `${response.status}`);
          origin.expectNone();
        }
      });
    });
  });
}

withGate(
  "headers that name another path",
  ({ origin }) => ({ runtime: "workerd", policy: hs256({ origin }), secrets: { SECRET } }),
  (test) => {
    test("do not change the route", async ({ gate, origin }) => {
      for (const name of [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Uri",
        "X-Forwarded-Path",
        "X-Forwarded-Prefix",
      ]) {
        await assertRefused(
          await gate.raw({ target: "/admin/a", headers: [[name, "/public/a"]] }),
          401,
          { scope: "admin" },
          { why: name },
        );
        origin.expectNone(name);
      }
    });
  },
);
