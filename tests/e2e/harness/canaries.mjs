// Values that nobody else has, and the search for them in what is logged and answered.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

/** Of a longer text, so much of it in one piece is a leak. */
const PIECE = 12;

/** What must not be found. */
export class Canaries {
  /** [name, forms]: what a test calls it, and the texts any of which gives it away, in lower case. */
  #known = [];

  /** A new value; what surrounds its random core is for whoever reads a failure. */
  make(name) {
    const core = randomBytes(10).toString("hex");
    this.#know(name, encodings(core));
    return `${name}-${core}`;
  }

  /** A longer text of which no piece may be found: a secret, a token. */
  keep(name, text) {
    const pieces = [];
    for (let at = 0; at + PIECE <= text.length; at += PIECE / 2)
      pieces.push(text.slice(at, at + PIECE));
    this.#know(name, pieces);
    return text;
  }

  /** A new secret. */
  secret(name) {
    return this.keep(name, randomBytes(32).toString("hex"));
  }

  /** The names of those that a text holds. */
  in(text) {
    const lower = text.toLowerCase();
    return this.#known.flatMap(([name, forms]) =>
      forms.some((form) => lower.includes(form)) ? [name] : [],
    );
  }

  expectNoneIn(what, text) {
    assert.deepEqual(this.in(text), [], `${what}: ${text.slice(0, 2000)}`);
  }

  #know(name, forms) {
    this.#known.push([name, [...new Set(forms.map((form) => form.toLowerCase()))]]);
  }
}

/** A text in clear, percent-encoded, in hexadecimal digits, and in either base64 wherever in a longer text it stood. */
function encodings(text) {
  const bytes = Buffer.from(text);
  const octets = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only characters all of whose bits are the text's own.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)];
    return ["base64", "base64url"].map((encoding) => whole.toString(encoding).slice(from, to));
  });
  return [text, octets.map((octet) => `%${octet}`).join(""), octets.join(""), ...inBase64];
}

/** All that a client is told, in one text. */
export const told = ({ status, headerLines, text }) =>
  `${status}\n${headerLines.join("\n")}\n${text}`;

/** All that the origin was told of a request but its body. */
export const head = ({ method, target, headerLines }) =>
  `${method} ${target}\n${headerLines.join("\n")}`;

export const decisions = (book) => book.structured.filter(({ event }) => event === "decision");
