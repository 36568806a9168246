// Random requests by random policies: none is a 500, and none reaches the origin unless a model of the policy, which
// knows what each piece of the request was meant to be, says so. tests/it/model.rs does the same by the thousand.

import assert from "node:assert/strict";
import { gateTest, policies, tokens } from "./harness/index.mjs";

const { hs256, hs256Token, SECRET } = policies;

const POLICIES = 4;
const REQUESTS = 100;

/** Mulberry32: the same requests every time. */
function randomFrom(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    chance: (percent) => next() * 100 < percent,
    pick: (list) => list[Math.floor(next() * list.length)],
  };
}

const METHODS = ["GET", "POST", "DELETE"];
const NAMES = ["a", "b", "admin"];

/** Routes of one or two segments; no two have one pattern. */
function drawRoutes({ chance, pick }) {
  const routes = new Map();
  for (let i = 0; i < 6; i += 1) {
    const segments = [pick(NAMES), ...(chance(60) ? [pick([...NAMES, "{x}"])] : [])];
    const open = chance(40);
    const access = pick(["required", "required", "optional", "public"]);
    const route = { segments, open, access };
    if (chance(30)) route.methods = ["GET"];
    if (access !== "public" && chance(40)) route.scopes = ["admin"];
    routes.set(`/${segments.join("/")}${open ? "/*" : ""}`, route);
  }
  return routes;
}

function drawPath({ chance, pick }) {
  const pieces = [...NAMES, ...NAMES, "x", "a%20b"].map((text) => ({
    text,
    meaning: decodeURIComponent(text),
  }));
  const odd = ["..", "%2e%2e", "%61", "a;b", "a%2Fb", "a%5Cb", "", "%252e", "a\\b"].map((text) => ({
    text,
  }));
  const segments = [];
  for (let i = pick([1, 1, 2, 2, 3]); i > 0; i -= 1)
    segments.push(chance(5) ? pick(odd) : pick(pieces));
  // Whatever comes before it, so that an empty one is no slash at the end.
  if (segments.some(({ meaning }) => meaning === undefined)) segments.push(pieces[0]);
  return segments;
}

/** What is sent, and `token`: "none", "good", "admin", or the status that it is refused with. */
function drawCredentials({ pick }) {
  const bearer = (text) => [["Authorization", `Bearer ${text}`]];
  const good = hs256Token();
  return pick([
    { headers: [], token: "none" },
    { headers: [["Authorization", "Basic dTpw"]], token: "none" },
    { headers: bearer(good), token: "good" },
    { headers: bearer(good), token: "good" },
    { headers: bearer(hs256Token({ scope: "admin" })), token: "admin" },
    { headers: bearer(hs256Token({ scope: "admin" })), token: "admin" },
    { headers: bearer(hs256Token({ exp: tokens.now() - 120 })), token: 401 },
    { headers: bearer(hs256Token({ aud: "other" })), token: 401 },
    {
      headers: bearer(hs256Token({}, { key: "another secret, and long enough to be one" })),
      token: 401,
    },
    { headers: bearer("a.b.c"), token: 401 },
    { headers: [["Authorization", "Bearer"]], token: 400 },
    { headers: [...bearer(good), ...bearer(good)], token: 400 },
  ]);
}

function model(routes, segments, method, token) {
  if (segments.some(({ meaning }) => meaning === undefined)) return 400;
  const path = segments.map(({ meaning }) => meaning);
  const matches = ({ segments: want, open }) =>
    (open ? path.length >= want.length : path.length === want.length) &&
    want.every((one, i) => one === "{x}" || one === path[i]);
  // Segment by segment: a literal, {x}, the end, *.
  const rank = ({ segments: want, open }) =>
    [...want.map((one) => (one === "{x}" ? 1 : 0)), open ? 3 : 2].join("");
  const [route] = [...routes.values()]
    .filter(matches)
    .sort((one, other) => (rank(one) < rank(other) ? -1 : 1));
  if (route === undefined) return 404;
  if (route.methods && !route.methods.includes(method)) return 405;
  if (route.access === "public") return 200;
  if (typeof token === "number") return token;
  if (token === "none") return route.access === "optional" ? 200 : 401;
  return route.scopes && token !== "admin" ? 403 : 200;
}

for (let seed = 1; seed <= POLICIES; seed += 1) {
  const random = randomFrom(seed);
  const routes = drawRoutes(random);
  const written = [...routes].map(([path, { access, methods, scopes }]) => ({
    path,
    access,
    ...(methods && { methods }),
    ...(scopes && { scopes }),
  }));
  gateTest(
    `${REQUESTS} random requests by the random policy ${seed}`,
    // Bare, so that paths come as they are sent.
    ({ origin }) => ({
      runtime: "workerd",
      policy: hs256({ origin, routes: written }),
      secrets: { SECRET },
    }),
    async ({ gate, origin }) => {
      const seen = new Map();
      for (let i = 0; i < REQUESTS; i += 1) {
        const segments = drawPath(random);
        const method = random.pick(METHODS);
        const { headers, token } = drawCredentials(random);
        const target = `/${segments.map(({ text }) => text).join("/")}`;
        const forged = [["X_Auth_Subject", "forged"]];
        const response = await gate.raw({ method, target, headers: [...headers, ...forged] });
        const expected = model(routes, segments, method, token);
        const why = `${method} ${target} with ${token} by ${JSON.stringify(written)}`;
        assert.equal(response.status, expected, why);
        if (expected === 200) {
          const received = origin.expectOne();
          assert.deepEqual([received.method, received.target], [method, target], why);
          assert.ok(!received.headerLines.some(([, value]) => value === "forged"), why);
        } else {
          origin.expectNone(why);
        }
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
      }
      assert.ok(seen.get(200) > 5 && seen.size >= 4, JSON.stringify([...seen]));
    },
  );
}
