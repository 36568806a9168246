// What the gate is asked: a request, and what to judge it by.

/** @typedef {import("./gate.js").Request} Request */

/** Methods to choose from. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * A request that carries a token where the policy looks for one first.
 *
 * @param {any} policy @param {string} method @param {string} path @param {string} token
 * @param {[string, string][]} [headers] @returns {Request}
 */
export function requestWith(policy, method, path, token, headers = []) {
  let url = location.origin + (path.startsWith("/") ? path : `/${path}`);
  const all = [...headers];
  const source = firstSource(policy);
  if (token === "") return { method, url, headers: all };
  if (source === "websocket-protocol")
    all.push(["Sec-WebSocket-Protocol", `bearer, ${token}`], ["Upgrade", "websocket"]);
  else if (source.cookie) all.push(["Cookie", `${source.cookie}=${token}`]);
  else if (source.header) all.push([source.header, token]);
  else if (source.query)
    url += `${url.includes("?") ? "&" : "?"}${encodeURIComponent(source.query)}=${token}`;
  else all.push(["Authorization", `Bearer ${token}`]);
  return { method, url, headers: all };
}

/** @param {any} policy @returns {any} */
function firstSource(policy) {
  const sources = policy?.token?.sources;
  return (Array.isArray(sources) && sources[0]) || "authorization";
}

/** @typedef {{kind: "secret" | "pem" | "jwks", text: string, encoding: string}} OwnKey */

/** What kind of key a text is. @param {string} text @returns {OwnKey["kind"]} */
export function kindOfKey(text) {
  if (text.includes("-----BEGIN")) return "pem";
  return text.trimStart().startsWith("{") ? "jwks" : "secret";
}

/**
 * A token and one key, and nothing else that could refuse it: any issuer, any audience.
 *
 * @param {OwnKey} key @param {string} token @param {string} algorithm the one that the token names
 */
export function byOwnKey(key, token, algorithm) {
  const isHmac = algorithm.startsWith("HS");
  const isShared = key.kind === "secret" || (key.kind === "jwks" && isHmac);
  const algorithms =
    isShared === isHmac && algorithm !== ""
      ? [algorithm]
      : isShared
        ? ["HS256"]
        : ["RS256", "ES256", "EdDSA"];
  const keys =
    key.kind === "secret" ? { secret: "KEY", encoding: key.encoding } : { [key.kind]: "KEY" };
  const policy = {
    origin: "echo",
    issuers: [{ name: "yours", issuer: "*", audience: "*", algorithms, keys, expiry: "optional" }],
    routes: [{ path: "/*" }],
  };
  const text =
    key.kind === "jwks" ? asSet(key.text) : key.kind === "pem" ? key.text.trim() : key.text;
  return { policy, bindings: { KEY: text }, ...requestWith(policy, "GET", "/", token) };
}

/** A single JWK as a set of one. @param {string} text */
function asSet(text) {
  try {
    const value = JSON.parse(text);
    return JSON.stringify(Array.isArray(value.keys) ? value : { keys: [value] });
  } catch {
    return text;
  }
}

/** A path that a pattern takes. @param {string} pattern */
export const samplePath = (pattern) => pattern.replace(/\{[^}]*\}/g, "1").replace(/\*$/, "");

/** A request as a line for the shell. @param {Request} request */
export function asCurl({ method, url, headers }) {
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const options = headers.map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`).join("");
  const verb = method === "GET" ? "" : method === "HEAD" ? " -I" : ` -X ${method}`;
  return `curl -i${verb} ${quoted(url)}${options}`;
}
