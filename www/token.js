// A token's text: its segments decoded and shown as they are written, in colours.

import { h } from "./dom.js";

/**
 * The JSON text of one segment.
 *
 * @param {string} segment base64url
 * @returns {{text?: string, bytes: number, problem?: string}}
 */
export function decoded(segment) {
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

/** @param {string} text @returns {Uint8Array<ArrayBuffer> | null} */
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
export const encoded = (text) => toBase64url(new TextEncoder().encode(text));

/** The object that a segment holds, or null. @param {string | undefined} text @returns {Record<string, any> | null} */
export function parsed(text) {
  try {
    const value = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * A text, and the token in it coloured as header, claims and signature.
 *
 * @param {string} text @param {string} [token]
 * @returns {(Node | string)[]}
 */
export function painted(text, token = text) {
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

// Characters that do not show, or that turn the text around them: written as JSON would escape them.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0\ud800-\udfff\u{e0000}-\u{e007f}]/u;

/** Text with what hides in it made visible. @param {string} text @returns {(Node | string)[]} */
export function visible(text) {
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
 * JSON text in colours, a member a line, every scalar and name as it is written: numbers keep all their digits,
 * and a name that is there twice shows twice. Text that is no JSON is shown as it is.
 *
 * @param {string} text
 * @param {(path: string[], raw: string) => Node | null} [remark] what to say beside a scalar
 */
export function shownJson(text, remark = () => null) {
  const out = h("code", { class: "json" });
  try {
    new Writer(text, out, remark).document();
  } catch {
    out.replaceChildren(h("span", { class: "not-json" }, ...visible(text)));
  }
  return h("pre", { tabindex: "0" }, out);
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/y;

class Writer {
  /** @param {string} text @param {HTMLElement} out @param {(path: string[], raw: string) => Node | null} remark */
  constructor(text, out, remark) {
    JSON.parse(text);
    this.tokens = tokens(text);
    this.at = 0;
    this.out = out;
    this.remark = remark;
    /** Said after the comma. @type {Node | null} */
    this.pending = null;
  }

  document() {
    this.value([], 0);
  }

  next() {
    const token = this.tokens[this.at];
    this.at += 1;
    return token ?? "";
  }

  /** @param {string[]} path @param {number} depth */
  value(path, depth) {
    const raw = this.next();
    if (raw === "{" || raw === "[") this.members(raw, path, depth);
    else this.scalar(raw, path);
  }

  /** @param {string} open @param {string[]} path @param {number} depth */
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
        this.out.append(h("span", { class: "json-name" }, ...visible(raw)), ": ");
        this.next();
      }
      this.value([...path, name], depth + 1);
      index += 1;
    }
    this.next();
    if (index > 0) this.newLine("", depth);
    this.out.append(close);
  }

  /** @param {string} comma @param {number} depth */
  newLine(comma, depth) {
    this.out.append(comma, ...(this.pending ? [" ", this.pending] : []), `\n${"  ".repeat(depth)}`);
    this.pending = null;
  }

  /** @param {string} raw @param {string[]} path */
  scalar(raw, path) {
    const kind = raw.startsWith('"') ? "string" : /^[-\d]/.test(raw) ? "number" : "word";
    this.out.append(h("span", { class: `json-${kind}` }, ...visible(raw)));
    this.pending = this.remark(path, raw);
  }
}

/** @param {string} text */
function tokens(text) {
  const all = [];
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text))
    all.push(found[1] ?? found[2] ?? found[3]);
  return all;
}
