// Sends random requests to gates with random policies, and compares each response with a model of
// the policy. The model knows the meaning of each part of a request, so it need not parse anything.
// tests/it/model.rs does the same with thousands of requests, but without a runtime.

import assert from "node:assert/strict";
import { gateTest, policies, tokens } from "./harness/index.mjs";

/** @import { Access } from "../../policy.d.ts" */

/**
 * @typedef {object} Random
 * @property {(percent: number) => boolean} chance
 * @property {<T>(list: readonly T[]) => T} pick
 */
/**
 * @typedef {object} Route
 * @property {string[]} segments
 * @property {boolean} open Whether the pattern ends in `*`.
 * @property {Access} access
 * @property {string[]} [methods]
 * @property {string[]} [scopes]
 */
/**
 * A segment of a path. Without `meaning`, a path that contains the segment is ambiguous.
 *
 * @typedef {{text: string, meaning?: string}} Segment
 */
/**
 * `token` is a number if the gate refuses the credentials with that status.
 *
 * @typedef {{headers: string[][], token: "none" | "good" | "admin" | number}} Credentials
 */

const { hs256, hs256Token, SECRET } = policies;

const POLICIES = 4;
const REQUESTS = 100;

/**
 * Mulberry32, which makes the same choices in every run.
 *
 * @param {number} seed
 * @returns {Random}
 */
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
    // `next` returns less than 1, so that the index is valid.
    pick: (list) => /** @type {(typeof list)[number]} */ (list[Math.floor(next() * list.length)]),
  };
}

const METHODS = ["GET", "POST", "DELETE"];
const NAMES = ["a", "b", "admin"];

/**
 * Draws routes of one or two segments by their patterns, which are all different.
 *
 * @param {Random} random
 */
function drawRoutes({ chance, pick }) {
  /** @type {Map<string, Route>} */
  const routes = new Map();
  for (let i = 0; i < 6; i += 1) {
    const segments = [pick(NAMES), ...(chance(60) ? [pick([...NAMES, "{x}"])] : [])];
    const open = chance(40);
    /** @type {Access[]} */
    const choices = ["required", "required", "optional", "public"];
    const access = pick(choices);
    /** @type {Route} */
    const route = { segments, open, access };
    if (chance(30)) route.methods = ["GET"];
    if (access !== "public" && chance(40)) route.scopes = ["admin"];
    routes.set(`/${segments.join("/")}${open ? "/*" : ""}`, route);
  }
  return routes;
}

/** @param {Random} random */
function drawPath({ chance, pick }) {
  const pieces = [...NAMES, ...NAMES, "x", "a%20b"].map((text) => ({
    text,
    meaning: decodeURIComponent(text),
  }));
  const odd = ["..", "%2e%2e", "%61", "a;b", "a%2Fb", "a%5Cb", "", "%252e", "a\\b"].map((text) => ({
    text,
  }));
  /** @type {Segment[]} */
  const segments = [];
  for (let i = pick([1, 1, 2, 2, 3]); i > 0; i -= 1)
    segments.push(chance(5) ? pick(odd) : pick(pieces));
  // An empty last segment would only be a slash at the end of the path, which is allowed.
  if (segments.some(({ meaning }) => meaning === undefined)) segments.push(...pieces.slice(0, 1));
  return segments;
}

/**
 * @param {Random} random
 * @returns {Credentials}
 */
function drawCredentials({ pick }) {
  const bearer = (/** @type {string} */ text) => [["Authorization", `Bearer ${text}`]];
  const good = hs256Token();
  /** @type {Credentials[]} */
  const choices = [
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
  ];
  return pick(choices);
}

/**
 * Returns the status that the gate must answer with.
 *
 * @param {Map<string, Route>} routes
 * @param {Segment[]} segments
 * @param {string} method
 * @param {Credentials["token"]} token
 */
function model(routes, segments, method, token) {
  if (segments.some(({ meaning }) => meaning === undefined)) return 400;
  const path = segments.map(({ meaning }) => meaning);
  const matches = (/** @type {Route} */ { segments: want, open }) =>
    (open ? path.length >= want.length : path.length === want.length) &&
    want.every((one, i) => one === "{x}" || one === path[i]);
  // The order of precedence in each segment is: a literal, {x}, the end of the pattern, *.
  const rank = (/** @type {Route} */ { segments: want, open }) =>
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
    `${REQUESTS} random requests get the responses that the random policy ${seed} prescribes`,
    // Plain workerd does not change paths before the gate sees them.
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
