// Assertions on the gate's responses.

import assert from "node:assert/strict";
import { onlyChallenge } from "./challenge.mjs";
import { REALM } from "./policies.mjs";

/** @import { Origin } from "./origin.mjs" */
/** @import { RawResponse } from "./socket.mjs" */

/**
 * A response of `fetch` or of a raw socket.
 *
 * @typedef {Response | RawResponse} AnyResponse
 */
/**
 * @typedef {{status: number, header: (name: string) => string | undefined, text: string}} Answer
 */
/** @typedef {{detail?: string, head?: boolean, why?: string}} ProblemOptions */

/** @type {Record<number, string>} */
const PHRASES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  508: "Loop Detected",
};

export const INVALID = {
  error: "invalid_token",
  error_description: "The access token is invalid",
};
/** The description can be any text that RFC 6750 section 3 allows. */
export const INVALID_REQUEST = {
  error: "invalid_request",
  error_description: /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/,
};
export const EXPIRED = { error: "invalid_token", error_description: "The access token expired" };

/**
 * Gives both kinds of responses the same shape.
 *
 * @param {AnyResponse} response
 * @returns {Promise<Answer>}
 */
async function read(response) {
  if ("header" in response) return response;
  const text = response.bodyUsed ? "" : await response.text();
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    text,
  };
}

/**
 * Asserts that the gate itself answered with problem details that hold this status and nothing
 * else.
 *
 * @param {AnyResponse} response
 * @param {number} status
 * @param {ProblemOptions} [options] `detail` is the reason code, if the policy has `errors.detail =
 *   "reason"`. `head` says that the request was a HEAD request, whose response has no body.
 */
export async function assertProblem(response, status, { detail, head = false, why = "" } = {}) {
  const { status: found, header, text } = await read(response);
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
 * Asserts that the gate refused the request with a challenge.
 *
 * @param {AnyResponse} response
 * @param {number} status
 * @param {Record<string, string | RegExp>} [challenge] exactly the parameters besides the realm.
 *   Empty if the request had no token.
 * @param {ProblemOptions & {realm?: string}} [options]
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

/**
 * Asserts that the origin answered with 200 and that it received exactly one request. Returns that
 * request.
 *
 * @param {AnyResponse} response
 * @param {Origin} origin
 * @param {string} [why]
 */
export async function assertAdmitted(response, origin, why = "") {
  const { status, header, text } = await read(response);
  assert.equal(status, 200, `${why} ${text}`);
  assert.equal(header("x-origin"), "reached", why);
  return origin.expectOne();
}

/**
 * Returns the pattern itself in place of a value that it matches, so that the two compare as equal.
 *
 * @param {string | RegExp | undefined} expected
 * @param {string} value
 */
function matching(expected, value) {
  return expected instanceof RegExp && expected.test(value) ? expected : value;
}
