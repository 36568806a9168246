// Builds what the gate is asked: a request, and the policy to check the request against.

/** @import { Policy } from "../policy.d.ts" */
/** @import { HeaderList, Question, Request } from "../console/page.d.ts" */

/** The methods that the page offers. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * Builds a request that carries a token in the first place where the policy looks for one.
 *
 * @param {Policy | null | undefined} policy
 * @param {string} method
 * @param {string} path
 * @param {string} token
 * @param {HeaderList} [headers]
 * @returns {Request}
 */
export function requestWith(policy, method, path, token, headers = []) {
  let url = location.origin + (path.startsWith("/") ? path : `/${path}`);
  const all = [...headers];
  const source = firstSource(policy);
  if (token === "") return { method, url, headers: all };
  if (source === "websocket-protocol")
    all.push(["Sec-WebSocket-Protocol", `bearer, ${token}`], ["Upgrade", "websocket"]);
  else if (typeof source === "string") all.push(["Authorization", `Bearer ${token}`]);
  else if (source.scheme) all.push(["Authorization", `${source.scheme} ${token}`]);
  else if (source.cookie) all.push(["Cookie", `${source.cookie}=${token}`]);
  else if (source.bearer_cookie) all.push(["Cookie", `${source.bearer_cookie}=Bearer%20${token}`]);
  else if (source.subprotocol)
    all.push(["Sec-WebSocket-Protocol", source.subprotocol + token], ["Upgrade", "websocket"]);
  else if (source.header) all.push([source.header, token]);
  else if (source.query)
    url += `${url.includes("?") ? "&" : "?"}${encodeURIComponent(source.query)}=${token}`;
  else all.push(["Authorization", `Bearer ${token}`]);
  return { method, url, headers: all };
}

/** @param {Policy | null | undefined} policy */
function firstSource(policy) {
  const sources = policy?.token?.sources;
  return (Array.isArray(sources) && sources[0]) || "authorization";
}

/** @typedef {{kind: "secret" | "pem" | "jwks", text: string, encoding: string}} OwnKey */

/**
 * Returns the kind of key that a text holds.
 *
 * @param {string} text
 * @returns {OwnKey["kind"]}
 */
export function kindOfKey(text) {
  if (text.includes("-----BEGIN")) return "pem";
  return text.trimStart().startsWith("{") ? "jwks" : "secret";
}

/**
 * Asks whether a token is valid under one key. The policy accepts any issuer and any audience.
 *
 * @param {OwnKey} key
 * @param {string} token
 * @param {string} algorithm the `alg` of the token
 * @returns {Question}
 */
export function questionWithKey(key, token, algorithm) {
  const isHmac = algorithm.startsWith("HS");
  const isShared = key.kind === "secret" || (key.kind === "jwks" && isHmac);
  // If the algorithm does not suit the kind of key, the gate refuses the token and says why. Any
  // algorithms that suit the key serve for that.
  const algorithms =
    isShared === isHmac && algorithm !== ""
      ? [algorithm]
      : isShared
        ? ["HS256"]
        : ["RS256", "ES256", "EdDSA"];
  const keys =
    key.kind === "secret" ? { secret: "KEY", encoding: key.encoding } : { [key.kind]: "KEY" };
  // `algorithm` comes from the token. The gate reports a fault if it does not know the algorithm.
  const policy = /** @type {Policy} */ ({
    origin: "echo",
    issuers: [{ name: "yours", issuer: "*", audience: "*", algorithms, keys, expiry: "optional" }],
    routes: [{ path: "/*" }],
  });
  const text =
    key.kind === "jwks" ? asSet(key.text) : key.kind === "pem" ? key.text.trim() : key.text;
  return { policy, bindings: { KEY: text }, ...requestWith(policy, "GET", "/", token) };
}

/**
 * Wraps a single JWK in a set.
 *
 * @param {string} text
 */
function asSet(text) {
  try {
    const value = JSON.parse(text);
    return JSON.stringify(Array.isArray(value.keys) ? value : { keys: [value] });
  } catch {
    return text;
  }
}

/**
 * Returns a path that matches a pattern.
 *
 * @param {string} pattern
 */
export const samplePath = (pattern) => pattern.replace(/\{[^}]*\}/g, "1").replace(/\*$/, "");

/**
 * Formats a request as a command line.
 *
 * @param {Request} request
 */
export function asCurl({ method, url, headers }) {
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const options = headers.map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`).join("");
  const verb = method === "GET" ? "" : method === "HEAD" ? " -I" : ` -X ${method}`;
  return `curl -i${verb} ${quoted(url)}${options}`;
}
