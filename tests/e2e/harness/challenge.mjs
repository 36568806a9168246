// A strict parser of WWW-Authenticate (RFC 9110 sections 5.6 and 11.6.1) that shares no code with
// the gate.

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const SPACE = /[ \t]*/y;

/**
 * A challenge.
 *
 * @typedef {object} Challenge
 * @property {string} scheme In lower case.
 * @property {string | undefined} token68
 * @property {Record<string, string>} parameters Names in lower case and unescaped values.
 */

/**
 * Parses `#challenge`. Throws if the text violates the grammar or if a challenge repeats a
 * parameter.
 *
 * @param {string} text
 */
export function parseChallenges(text) {
  const reader = new Reader(text);
  const challenges = [];
  reader.skipListGaps();
  while (!reader.done) {
    challenges.push(readChallenge(reader));
    if (!reader.done) reader.expectComma();
    reader.skipListGaps();
  }
  if (challenges.length === 0) reader.fail("no challenge");
  return challenges;
}

/**
 * Parses a field that must hold exactly one challenge.
 *
 * @param {string} text
 */
export function onlyChallenge(text) {
  const challenges = parseChallenges(text);
  const [challenge] = challenges;
  if (challenge === undefined || challenges.length > 1)
    throw new SyntaxError(`${challenges.length} challenges in: ${text}`);
  return challenge;
}

/**
 * @param {Reader} reader
 * @returns {Challenge}
 */
function readChallenge(reader) {
  const scheme = reader.need(TOKEN, "a scheme").toLowerCase();
  /** @type {Challenge} */
  const challenge = { scheme, token68: undefined, parameters: {} };
  if (reader.done || reader.at(",")) return challenge;
  reader.need(/ +/y, "a space after the scheme");
  // `a="b"` also begins like a token68. What follows the name decides.
  const token68 = reader.parameterAhead() ? undefined : reader.maybe(TOKEN68);
  if (token68 !== undefined) {
    reader.maybe(SPACE);
    return { ...challenge, token68 };
  }
  while (true) {
    const name = reader.need(TOKEN, "a parameter name").toLowerCase();
    reader.maybe(SPACE);
    reader.need(/=/y, "=");
    reader.maybe(SPACE);
    const value = reader.at('"') ? readQuoted(reader) : reader.need(TOKEN, "a parameter value");
    if (Object.hasOwn(challenge.parameters, name)) reader.fail(`${name} twice`);
    challenge.parameters[name] = value;
    reader.maybe(SPACE);
    if (reader.done) return challenge;
    const before = reader.position;
    reader.expectComma();
    reader.skipListGaps();
    if (reader.parameterAhead()) continue;
    // This comma separates two challenges.
    reader.position = before;
    return challenge;
  }
}

/** @param {Reader} reader */
function readQuoted(reader) {
  reader.need(/"/y, "a quote");
  const inner =
    reader.maybe(/(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*/y) ?? "";
  reader.need(/"/y, "a closing quote");
  return inner.replace(/\\(.)/gs, "$1");
}

class Reader {
  position = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  get done() {
    return this.position >= this.text.length;
  }

  /** @param {string} character */
  at(character) {
    return this.text[this.position] === character;
  }

  /**
   * Consumes what a sticky pattern matches.
   *
   * @param {RegExp} pattern
   */
  maybe(pattern) {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (!found) return undefined;
    this.position = pattern.lastIndex;
    return found[0];
  }

  /**
   * @param {RegExp} pattern
   * @param {string} what
   */
  need(pattern, what) {
    return this.maybe(pattern) ?? this.fail(`expected ${what}`);
  }

  expectComma() {
    this.maybe(SPACE);
    this.need(/,/y, "a comma");
  }

  skipListGaps() {
    this.maybe(/[ \t,]*/y);
  }

  parameterAhead() {
    const pattern = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=[ \t]*["!#$%&'*+\-.^_`|~0-9A-Za-z]/y;
    pattern.lastIndex = this.position;
    return pattern.test(this.text);
  }

  /**
   * @param {string} why
   * @returns {never}
   */
  fail(why) {
    throw new SyntaxError(`${why} at ${this.position} in: ${this.text}`);
  }
}
