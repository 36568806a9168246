// Decodes the segments of a token and renders them as they are written, with syntax colors.

import { h } from "./dom.js";

/** @typedef {Record<string, unknown>} JsonObject */
/** @typedef {(path: string[], raw: string) => Node | null} Remark */

/**
 * Decodes one segment to its JSON text.
 *
 * @param {string} segment base64url
 * @returns {{text?: string, bytes: number, problem?: string}}
 */
export function decodeSegment(segment) {
  const bytes = fromBase64url(segment);
  if (!bytes) return { bytes: 0, problem: "This is not base64url." };
  try {
    return {
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
      bytes: bytes.length,
    };
  } catch {
    return { bytes: bytes.length, problem: "These bytes are not UTF-8." };
  }
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromBase64url(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
  } catch {
    return null;
  }
}

/** @param {ArrayBuffer | Uint8Array} bytes */
export function toBase64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text */
export const encodeText = (text) => toBase64url(new TextEncoder().encode(text));

/**
 * Returns the JSON object in a text, or `null` if the text is anything else.
 *
 * @param {string | undefined} text
 * @returns {JsonObject | null}
 */
export function parseObject(text) {
  try {
    const value = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * Decodes the header and the claims of a token. Each is `null` if it is not a JSON object.
 *
 * @param {string} token
 */
export function decodeToken(token) {
  const [header, claims] = token.split(".");
  return {
    header: parseObject(decodeSegment(header ?? "").text),
    claims: parseObject(decodeSegment(claims ?? "").text),
  };
}

/**
 * Colors the header, the claims and the signature of the token in a text.
 *
 * @param {string} text
 * @param {string} [token]
 * @returns {(Node | string)[]}
 */
export function highlightToken(text, token = text) {
  const start = token === "" ? -1 : text.indexOf(token);
  if (start < 0) return [text];
  const names = ["header", "claims", "signature"];
  const segments = token
    .split(".")
    .flatMap((segment, index) => [
      index > 0 ? "." : "",
      h("span", { class: `seg-${names[index] ?? "other"}` }, segment),
    ]);
  return [text.slice(0, start), ...segments, text.slice(start + token.length)];
}

// Characters that are invisible or change the direction of the text. They are shown as JSON
// escapes.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0\ud800-\udfff\u{e0000}-\u{e007f}]/u;

/**
 * Makes the hidden characters in a text visible.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function withVisibleCharacters(text) {
  return text
    .split(new RegExp(`(${HIDDEN.source})`, "u"))
    .map((part) => (HIDDEN.test(part) ? h("span", { class: "hidden-char" }, escaped(part)) : part));
}

/** @param {string} char */
const escaped = (char) => {
  const point = (char.codePointAt(0) ?? 0).toString(16);
  return point.length > 4 ? `\\u{${point}}` : `\\u${point.padStart(4, "0")}`;
};

/**
 * Renders JSON with syntax colors and one member per line. Every scalar and name appears as it is
 * written: numbers keep all their digits, and a repeated name appears twice. Text that is not JSON
 * is rendered unchanged.
 *
 * @param {string} text
 * @param {Remark} [remark] returns what to show beside a scalar
 */
export function renderJson(text, remark = () => null) {
  const out = h("code", { class: "json" });
  try {
    new JsonRenderer(text, out, remark).render();
  } catch {
    out.replaceChildren(h("span", { class: "not-json" }, ...withVisibleCharacters(text)));
  }
  return h("pre", { tabindex: "0" }, out);
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/y;

class JsonRenderer {
  /**
   * @param {string} text
   * @param {HTMLElement} out
   * @param {Remark} remark
   */
  constructor(text, out, remark) {
    JSON.parse(text);
    this.tokens = tokenize(text);
    this.at = 0;
    this.out = out;
    this.remark = remark;
    /**
     * A remark that goes after the next comma.
     *
     * @type {Node | null}
     */
    this.pending = null;
  }

  render() {
    this.value([], 0);
  }

  next() {
    const token = this.tokens[this.at];
    this.at += 1;
    return token ?? "";
  }

  /**
   * @param {string[]} path
   * @param {number} depth
   */
  value(path, depth) {
    const raw = this.next();
    if (raw === "{" || raw === "[") this.members(raw, path, depth);
    else this.scalar(raw, path);
  }

  /**
   * @param {string} open
   * @param {string[]} path
   * @param {number} depth
   */
  members(open, path, depth) {
    const close = open === "{" ? "}" : "]";
    this.out.append(open);
    let index = 0;
    while (this.tokens[this.at] !== close) {
      if (index > 0) this.next();
      this.newLine(index > 0 ? "," : "", depth + 1);
      let name = String(index);
      if (open === "{") {
        const raw = this.next();
        name = JSON.parse(raw);
        this.out.append(h("span", { class: "json-name" }, ...withVisibleCharacters(raw)), ": ");
        this.next();
      }
      this.value([...path, name], depth + 1);
      index += 1;
    }
    this.next();
    if (index > 0) this.newLine("", depth);
    this.out.append(close);
  }

  /**
   * @param {string} comma
   * @param {number} depth
   */
  newLine(comma, depth) {
    this.out.append(comma, ...(this.pending ? [" ", this.pending] : []), `\n${"  ".repeat(depth)}`);
    this.pending = null;
  }

  /**
   * @param {string} raw
   * @param {string[]} path
   */
  scalar(raw, path) {
    const kind = raw.startsWith('"') ? "string" : /^[-\d]/.test(raw) ? "number" : "word";
    this.out.append(h("span", { class: `json-${kind}` }, ...withVisibleCharacters(raw)));
    this.pending = this.remark(path, raw);
  }
}

/** @param {string} text */
function tokenize(text) {
  const all = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text))
    all.push(found[1] ?? found[2] ?? found[3]);
  return all;
}
