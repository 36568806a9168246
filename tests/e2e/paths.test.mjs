// One URL: what was judged is what is sent. Each runtime hands URLs over in its own way, so a probe asks it what the
// gate is given, and the verdict must be that of this URL, or a refusal.

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

const { hs256, hs256Token, SECRET } = policies;

const PROBE = scriptWorker(
  "export default { fetch: (request) => Response.json({ url: request.url }) };",
);

/** Paths that some server takes for another path than some other server. */
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
  "/admin|x",
  '/admin"x',
  "/admin<x>",
  "/admin^x",
  "/admin`x",
  "/admin{x}",
  "/admin[x]",
  "/admin\xe9",
  "/admin\x80",
  "/\xc3\xa9",
  "/public/%ef%bc%8e%ef%bc%8e\\admin",
];

/** Paths with one reading. */
const PLAIN = [
  "/admin",
  "/admin/",
  "/admin/a.b-c_d~e",
  "/admin/a:b@c!d$e&f'g(h)i*j+k,l=m",
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

/** Ways to write a request target that are no path. */
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

/** Everything that some origin may read into a path: decoded over and over, every separator a slash, parameters cut, dots resolved. */
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
    const next = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === text) break;
    text = next;
  }
  return [...found];
}

function resolved(path) {
  const out = [];
  for (const segment of path.split(/\/+/)) {
    if (segment === "..") out.pop();
    else if (segment !== "." && segment !== "") out.push(segment);
  }
  return `/${out.join("/")}`;
}

const pathOf = (url) => /^[a-z]+:\/\/[^/?#\\]*([^?]*)/i.exec(url)[1];

const isPublic = (path) => path === "/public" || path.startsWith("/public/");
const isAdmin = (path) => path === "/admin" || path.startsWith("/admin/");

for (const runtime of ["workerd", "miniflare", "wrangler"]) {
  describe(`paths in ${runtime}`, () => {
    let probe;
    before(async () => {
      probe = await startGate({ runtime, modules: PROBE });
    });
    after(() => probe?.stop());

    /** The URL that the gate is given for this target, or nothing where the runtime answers by itself. */
    const given = async (target) => {
      const response = await probe.raw({ target });
      return response.status === 200 ? JSON.parse(response.text).url : undefined;
    };

    const options = ({ origin }) => ({
      runtime,
      policy: hs256({ origin, errors: { detail: "reason" } }),
      secrets: { SECRET },
    });
    withGate("seen from outside", options, (test) => {
      /** Sends one target and checks that only what was judged is sent, and that no reading of it is guarded. */
      const check = async (gate, origin, target, token) => {
        const headers = token === undefined ? [] : [["Authorization", `Bearer ${token}`]];
        const url = await given(target);
        const response = await gate.raw({ target, headers });
        const why = `${JSON.stringify(target)}, given as ${url}: ${response.status} ${response.text}`;
        const seen = origin.take();
        if (url === undefined) {
          assert.deepEqual(seen, [], why);
          return { url, response, why };
        }
        assert.ok([200, 400, 401, 403, 404].includes(response.status), why);
        assert.equal(seen.length, response.status === 200 ? 1 : 0, why);
        if (response.status === 200) {
          const judged = pathOf(url) || "/";
          const [path] = seen[0].target.split("?");
          assert.equal(path, judged, why);
          for (const reading of readings(path)) {
            if (token === undefined)
              assert.ok(isPublic(reading), `${why}; an origin may read ${reading}`);
            assert.ok(!isAdmin(reading), `${why}; an origin may read ${reading}`);
          }
        }
        return { url, response, why };
      };

      test("a path with two readings is refused, or was made one before it came", async ({
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
        // Bare workerd hands nearly all of them over as they are; wrangler's proxy tidies many up.
        assert.ok(refused > AMBIGUOUS.length, `only ${refused} arrived as they were sent`);
      });

      test("a path with one reading gets the verdict of its route", async ({ gate, origin }) => {
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

      test("RFC 9112 section 3.2: other forms of the target change nothing", async ({
        gate,
        origin,
      }) => {
        for (const target of OTHER_FORMS) await check(gate, origin, target);
      });

      test("every mixture of steps up, steps to nowhere and encodings", async ({
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

      test("a query goes out with the meaning that it came with", async ({ gate, origin }) => {
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

    withGate("with hosts that are none of ours", options, (test) => {
      test("the origin stays the policy's, and the verdict that of the path", async ({
        gate,
        origin,
      }) => {
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
              assert.ok(readings(one.target.split("?")[0]).every(isPublic), why);
            }
            if (target === "/admin" && !host.includes("public")) assert.equal(seen.length, 0, why);
          }
        }
      });

      test("two Host lines, or none, reach nothing", async ({ gate, origin }) => {
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
    test("do not change which route is taken", async ({ gate, origin }) => {
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
          {},
          { why: name },
        );
        origin.expectNone(name);
      }
    });
  },
);
