// What the gate's own answers must look like, in one place.

import assert from "node:assert/strict";
import { onlyChallenge } from "./challenge.mjs";
import { REALM } from "./policies.mjs";

const PHRASES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  508: "Loop Detected",
};

export const INVALID = { error: "invalid_token", error_description: "The access token is invalid" };
/** The description may be any text that RFC 6750 section 3 allows. */
export const INVALID_REQUEST = {
  error: "invalid_request",
  error_description: /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/,
};
export const EXPIRED = { error: "invalid_token", error_description: "The access token expired" };

/** A response of `fetch`, or of a raw socket, seen alike: { status, header, text }. */
async function seen(response) {
  if (typeof response.header === "function") return response;
  const text = response.bodyUsed ? "" : await response.text();
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    text,
  };
}

/**
 * The gate's own answer: problem details with this status and nothing else in them. `detail`: the reason code,
 * where the policy has errors.detail = "reason". `head`: the answer to a HEAD request, without a body.
 */
export async function assertProblem(response, status, { detail, head = false, why = "" } = {}) {
  const { status: found, header, text } = await seen(response);
  assert.equal(found, status, `${why} ${text}`);
  assert.match(header("content-type") ?? "", /^application\/problem\+json(;|$)/, why);
  assert.equal(header("cache-control"), "no-store", why);
  if (head) {
    assert.equal(text, "", `a HEAD response has no body ${why}`);
  } else {
    const body = JSON.parse(text);
    const { ray, ...rest } = body;
    assert.ok(ray === undefined || typeof ray === "string", why);
    const expected = {
      type: "about:blank",
      title: PHRASES[status],
      status,
      ...(detail === undefined ? {} : { code: detail }),
    };
    assert.deepEqual(rest, expected, why);
  }
  return { status: found, header, text };
}

/**
 * A refusal that carries a challenge. `challenge`: exactly the parameters beside the realm; {} where the
 * request simply had no token.
 */
export async function assertRefused(
  response,
  status,
  challenge = {},
  { realm = REALM, ...rest } = {},
) {
  const answer = await assertProblem(response, status, rest);
  const field = answer.header("www-authenticate");
  assert.ok(field !== undefined, `no challenge ${rest.why ?? ""}`);
  const { scheme, parameters } = onlyChallenge(field);
  assert.equal(scheme, "bearer", rest.why);
  const found = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, matching(challenge[name], value)]),
  );
  assert.deepEqual(found, { realm, ...challenge }, `${field} ${rest.why ?? ""}`);
  return answer;
}

/** The origin's answer came through: 200 from it, and exactly one request reached it. Returns that request. */
export async function assertAdmitted(response, origin, why = "") {
  const { status, header, text } = await seen(response);
  assert.equal(status, 200, `${why} ${text}`);
  assert.equal(header("x-origin"), "reached", why);
  return origin.expectOne();
}

/** A value that a pattern describes is as good as the pattern. */
function matching(expected, value) {
  return expected instanceof RegExp && expected.test(value) ? expected : value;
}
