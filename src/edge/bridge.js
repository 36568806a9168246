// The JavaScript that Rust calls for every request. A call across the boundary of WebAssembly costs
// more than the work done here, so each function does as much as it can in one call. This code
// usually runs before V8 has optimized it, so it uses neither iterators nor spread syntax, which
// are slow until then.

const encoder = new TextEncoder();

/**
 * Writes the request as lines of UTF-8: the method, the URL, and the name and the value of each
 * header.
 *
 * @param {Request} request
 * @param {Uint8Array} into
 * @returns {number} The number of bytes written, or, if `into` is too small, the negated size of a
 *   buffer that is large enough.
 */
export function read(request, into) {
  let lines = `${request.method}\n${request.url}`;
  request.headers.forEach((value, name) => {
    lines += `\n${name}\n${value}`;
  });
  const result = encoder.encodeInto(lines, into);
  return result.read === lines.length ? result.written : -3 * lines.length;
}

/**
 * Parses the identity that `authenticate` returns.
 *
 * @param {string} text JSON, in which the headers are a list of pairs.
 * @returns {object}
 */
export function identity(text) {
  const identity = JSON.parse(text);
  const pairs = identity.headers;
  /** @type {Headers | undefined} */
  let headers;
  // Making them would take as long as the judgment, and most Workers never read them.
  const get = () => (headers ??= new Headers(pairs));
  return Object.defineProperty(identity, "headers", { get, enumerable: true });
}

/**
 * Reads what the platform knows about the certificate of the client's TLS connection.
 *
 * @param {Request} request
 * @returns {string} "1" or "0" for whether its chain was verified, the same for whether it was
 *   revoked, and its hash in hexadecimal. Empty if the client presented none.
 */
export function certificate(request) {
  const cf = /** @type {IncomingRequestCfProperties | undefined} */ (request.cf);
  const auth = cf?.tlsClientAuth;
  if (auth?.certPresented !== "1") return "";
  const isVerified = auth.certVerified === "SUCCESS" ? "1" : "0";
  const isRevoked = auth.certRevoked === "0" ? "0" : "1";
  return isVerified + isRevoked + auth.certFingerprintSHA256;
}

/**
 * Asks the Durable Object of a key to record a proof.
 *
 * @param {DurableObjectNamespace} namespace
 * @param {string} name
 * @param {string} proof
 * @param {string} expires
 * @returns {Promise<number>} The status of its response.
 */
export async function record(namespace, name, proof, expires) {
  const object = namespace.get(namespace.idFromName(name));
  const response = await object.fetch(`https://replay/${proof}?${expires}`, { method: "PUT" });
  return response.status;
}

const redirect = "manual";

/**
 * A request that is ready to be sent.
 *
 * @typedef {object} Rewritten
 * @property {Request | string} input The first argument of `fetch`.
 * @property {RequestInit} init The second argument of `fetch`.
 * @property {Headers} headers The headers that are sent. They can still be changed.
 * @property {string | undefined} otherUrl The URL as the runtime serialized it, if it differs from
 *   the URL asked for.
 */

/**
 * Gives the request another URL and other headers.
 *
 * `new Request(url, request)` keeps the streamed body with its length, the body of a GET request,
 * and `cf`. If there is no body and nobody reads `cf`, the URL and an `init` object send the same
 * request and take half the time.
 *
 * @param {Request} request
 * @param {string} lines The URL, the names of the headers to remove separated by commas, and the
 *   name and the value of each header to set, each on a line of its own.
 * @param {boolean} keepsCf Whether the receiver reads `cf`.
 * @returns {Rewritten}
 */
export function rewrite(request, lines, keepsCf) {
  const line = /** @type {[url: string, remove: string, ...set: string[]]} */ (lines.split("\n"));
  const asked = line[0];
  let input;
  let url;
  let init;
  let headers;
  if (keepsCf || request.body !== null) {
    input = new Request(asked, request);
    url = input.url;
    init = { redirect };
    headers = input.headers;
  } else {
    input = url = new URL(asked).href;
    headers = new Headers(request.headers);
    init = { redirect, method: request.method, headers };
  }
  if (line[1] !== "") line[1].split(",").forEach((name) => headers.delete(name));
  for (let at = 2; at < line.length; at += 2) {
    headers.set(/** @type {string} */ (line[at]), /** @type {string} */ (line[at + 1]));
  }
  return { input, init, headers, otherUrl: url === asked ? undefined : url };
}

/** @param {Headers} headers */
function hasLocation(headers) {
  return headers.has("location") || headers.has("content-location");
}

/**
 * Sends a request. If no response comes in time, or if sending fails, `refuse` answers in the
 * origin's place.
 *
 * The runtime cancels the timers of a request that has ended, so the timer is not cleared here.
 *
 * @param {Fetcher | undefined} service The service to send the request to. If absent, the network.
 * @param {Rewritten | undefined} rewritten The request to send. If absent, `request` as it came.
 * @param {boolean} noStore Whether to send the request with `cache: "no-store"`.
 * @param {number} milliseconds How long to wait for the response's headers.
 * @param {((request: Request, began: number, isLate: boolean) => Response) | undefined} refuse
 *   Makes the response that replaces the origin's.
 * @param {((request: Request, response: Response) => Response) | undefined} rewriteResponse
 *   Rewrites the headers of a response.
 * @param {boolean} rewritesAll Whether it rewrites every response, or only those with a `Location`
 *   or `Content-Location`.
 * @param {Request} request The request as it came.
 * @param {number} began When handling `request` began, for `refuse`.
 * @returns {Promise<Response | boolean>} The response. Without `refuse`, a failure resolves with
 *   whether the time has run out.
 */
export function ask(
  service,
  rewritten,
  noStore,
  milliseconds,
  refuse,
  rewriteResponse,
  rewritesAll,
  request,
  began,
) {
  /** @type {Request | string} */
  let input = request;
  /** @type {RequestInit | undefined} */
  let init;
  if (rewritten) {
    input = rewritten.input;
    init = rewritten.init;
  } else if (noStore || request.redirect !== redirect) {
    init = { redirect };
  }
  // Each branch above sets `init` if `noStore` is true.
  if (noStore) /** @type {RequestInit} */ (init).cache = "no-store";
  const answer = service ? service.fetch(input, init) : fetch(input, init);
  return new Promise((resolve) => {
    let isAwaited = true;
    const resolveWithoutResponse = (isLate = true) => {
      // `Promise.try` turns an exception in `refuse` into a rejection.
      if (isAwaited) resolve(refuse ? Promise.try(refuse, request, began, isLate) : isLate);
      isAwaited = false;
    };
    answer.then(
      (response) => {
        isAwaited = false;
        const isRewritten = rewriteResponse && (rewritesAll || hasLocation(response.headers));
        resolve(isRewritten ? rewriteResponse(request, response) : response);
      },
      () => resolveWithoutResponse(false),
    );
    setTimeout(resolveWithoutResponse, milliseconds);
  });
}
