// Unique values, and the search for them in logs and responses.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

/** @import { LogBook } from "./logs.mjs" */

/** This many consecutive characters of a longer text count as a leak. */
const PIECE = 12;

/** Values that must not appear. */
export class Canaries {
  /** @type {{name: string, forms: string[]}[]} */
  #known = [];

  /**
   * Returns a new value that consists of the name and a random core. Only the core counts as a
   * leak.
   *
   * @param {string} name
   */
  make(name) {
    const core = randomBytes(10).toString("hex");
    this.#know(name, encodings(core));
    return `${name}-${core}`;
  }

  /**
   * Adds a longer text, such as a secret or a token. No piece of the text may appear.
   *
   * @template {string} T
   * @param {string} name
   * @param {T} text
   */
  keep(name, text) {
    const pieces = [];
    for (let at = 0; at + PIECE <= text.length; at += PIECE / 2)
      pieces.push(text.slice(at, at + PIECE));
    this.#know(name, pieces);
    return text;
  }

  /**
   * Returns a new secret.
   *
   * @param {string} name
   */
  secret(name) {
    return this.keep(name, randomBytes(32).toString("hex"));
  }

  /**
   * Returns the names of the values that a text contains.
   *
   * @param {string} text
   */
  in(text) {
    const lower = text.toLowerCase();
    return this.#known.flatMap(({ name, forms }) =>
      forms.some((form) => lower.includes(form)) ? [name] : [],
    );
  }

  /**
   * @param {string} what
   * @param {string} text
   */
  expectNoneIn(what, text) {
    assert.deepEqual(this.in(text), [], `${what}: ${text.slice(0, 2000)}`);
  }

  /**
   * @param {string} name
   * @param {string[]} forms
   */
  #know(name, forms) {
    this.#known.push({ name, forms: [...new Set(forms.map((form) => form.toLowerCase()))] });
  }
}

/**
 * A text unencoded, percent-encoded, in hexadecimal, and in both base64 alphabets at each offset
 * within a longer text.
 *
 * @param {string} text
 */
function encodings(text) {
  const bytes = Buffer.from(text);
  const octets = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const inBase64 = [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only the characters whose bits all belong to the text.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6)];
    return /** @type {const} */ (["base64", "base64url"]).map((encoding) =>
      whole.toString(encoding).slice(from, to),
    );
  });
  return [text, octets.map((octet) => `%${octet}`).join(""), octets.join(""), ...inBase64];
}

/**
 * Everything that a client receives, as one text.
 *
 * @param {{status: number, headerLines: unknown[], text: string}} response
 */
export const told = ({ status, headerLines, text }) =>
  `${status}\n${headerLines.join("\n")}\n${text}`;

/**
 * Everything that the origin receives except the body, as one text.
 *
 * @param {{method: string, target: string, headerLines: unknown[]}} request
 */
export const head = ({ method, target, headerLines }) =>
  `${method} ${target}\n${headerLines.join("\n")}`;

/** @param {LogBook} book */
export const decisions = (book) => book.structured.filter(({ event }) => event === "decision");
