// The compact serialization: segments, base64url, and what surrounds a token.

import { ALGORITHMS, Cases, b64, claims, header, seal, segments, token, until } from "../kit.mjs";

/** @import { Signer } from "../kit.mjs" */

const SHAPE = "RFC 7515 section 7.1";
const THREE = "A signed token is exactly three segments, separated by two periods.";
const DECODE = "RFC 7515 section 5.2";
const ONLY =
  "Segments are decoded with the restriction that no line breaks, whitespace or other additional characters have been used.";
const PADDING = "RFC 7515 section 2";
const OMITTED = "base64url is written with all trailing = omitted.";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** @param {Record<string, Signer>} keys */
export function compact(keys) {
  const cases = new Cases("Compact serialization");
  const key = /** @type {Signer} */ (keys.HS256);
  /** @type {typeof cases.add} */
  const add = (...rest) => cases.add(...rest);

  const valid = token(key);
  const [head, payload, signature] = segments(valid);
  for (const [title, text] of Object.entries({
    "the empty string": "",
    "a single period": ".",
    "two periods": "..",
    "one segment": head,
    "two segments": `${head}.${payload}`,
    "four segments": `${valid}.${signature}`,
    "a period at the end": `${valid}.`,
    "a period at the start": `.${valid}`,
    "an empty segment after the header": `${head}..${payload}.${signature}`,
    "an empty segment before the signature": `${head}.${payload}..${signature}`,
    "five segments": `${head}.${payload}.${signature}.AA.AA`,
    "the token twice, with a period between": `${valid}.${valid}`,
    "1,000 periods at the end": `${valid}${".".repeat(1000)}`,
    "commas instead of periods": valid.replaceAll(".", ","),
    "fullwidth periods": valid.replaceAll(".", "．"),
    "periods percent-encoded": valid.replaceAll(".", "%2E"),
  }))
    add("reject", "HS256", title, text, SHAPE, THREE);
  for (const [title, text] of Object.entries({
    "a space after": `${valid} `,
    "a line break after": `${valid}\n`,
    "a line break before": `\n${valid}`,
    "a tab after": `${valid}\t`,
    "NUL after": `${valid}\0`,
    "a byte order mark before": `\ufeff${valid}`,
    "quotation marks around": `"${valid}"`,
    "the scheme Bearer before": `Bearer ${valid}`,
    "the token twice, with a comma between": `${valid},${valid}`,
    "the token twice, with a space between": `${valid} ${valid}`,
    "a semicolon after": `${valid};`,
  }))
    add(
      "reject",
      "HS256",
      `${title} the token`.replace(/^(the token .*) the token$/, "$1"),
      text,
      DECODE,
      ONLY,
    );
  const flattened = { protected: head, payload, signature };
  const general = { payload, signatures: [{ protected: head, signature }] };
  for (const [title, text] of Object.entries({
    "the flattened JSON serialization": JSON.stringify(flattened),
    "the general JSON serialization": JSON.stringify(general),
  })) {
    const why = "A JWT is always represented in the compact serialization.";
    add("reject", "HS256", title, text, "RFC 7519 section 1", why);
  }
  add(
    "reject",
    "HS256",
    "an empty payload segment, signed",
    seal(key, b64(header(key)), ""),
    "RFC 7519 section 7.2",
    "The payload must be a JSON object.",
  );
  add(
    "reject",
    "HS256",
    "an empty header segment, signed",
    seal(key, "", b64(claims())),
    "RFC 7519 section 7.2",
    "The header must be a JSON object.",
  );

  // The header and the payload are altered before they are signed, so that the signature verifies.
  for (const name of ["HS256", "RS256"]) {
    const own = /** @type {Signer} */ (keys[name]);
    for (const part of ["header", "payload"]) {
      for (const [what, alter, section, why, verdict] of ALTERATIONS) {
        const made = until(
          (attempt) => {
            const segment = [
              b64(header(own, { kid: "?".repeat(attempt) })),
              b64(claims({ jti: "?".repeat(attempt) })),
            ];
            const index = part === "header" ? 0 : 1;
            const altered = alter(segment[index] ?? "");
            if (altered === undefined) return undefined;
            segment[index] = altered;
            return seal(own, segment[0] ?? "", segment[1] ?? "");
          },
          (text) => text !== undefined,
        );
        add(verdict ?? "reject", name, `the ${part} ${what}`, made ?? "", section, why);
      }
    }
  }
  for (const name of ALGORITHMS) {
    const own = /** @type {Signer} */ (keys[name]);
    for (const [what, alter, section, why, verdict] of ALTERATIONS) {
      // No signature has a length that one more character makes impossible.
      if (alter === withOneMore) continue;
      const made = until(
        (attempt) => {
          const [head, payload, signature] = segments(
            token(own, { payload: claims({ jti: `${attempt}` }) }),
          );
          const altered = alter(signature);
          return altered === undefined ? undefined : `${head}.${payload}.${altered}`;
        },
        (text) => text !== undefined,
      );
      add(verdict ?? "reject", name, `the signature ${what}`, made ?? "", section, why);
    }
  }
  return cases.all;
}

/** @param {string} text */
function withOneMore(text) {
  return text.length % 4 === 0 ? `${text}A` : undefined;
}

/**
 * Ways to alter a segment. Each returns `undefined` if the segment has no such form.
 *
 * @type {[what: string, alter: (segment: string) => string | undefined, section: string, why:
 *   string, verdict?: "either"][]}
 */
const ALTERATIONS = [
  ["with padding", (text) => padded(text), PADDING, OMITTED],
  ["with more padding than belongs there", (text) => `${text}===`, PADDING, OMITTED],
  ["with percent-encoded padding", (text) => `${text}%3D`, PADDING, OMITTED],
  ["with a space inside", (text) => inside(text, " "), DECODE, ONLY],
  ["with a line break inside", (text) => inside(text, "\n"), DECODE, ONLY],
  ["with CR LF inside", (text) => inside(text, "\r\n"), DECODE, ONLY],
  ["with a tab inside", (text) => inside(text, "\t"), DECODE, ONLY],
  ["with a space at the end", (text) => `${text} `, DECODE, ONLY],
  ["with NUL inside", (text) => inside(text, "\0"), DECODE, ONLY],
  ["with an exclamation mark inside", (text) => inside(text, "!"), DECODE, ONLY],
  ["with a zero-width space inside", (text) => inside(text, "\u200b"), DECODE, ONLY],
  ["with = inside", (text) => inside(text, "="), DECODE, ONLY],
  [
    "in the alphabet of plain base64",
    (text) => (/[-_]/.test(text) ? text.replaceAll("-", "+").replaceAll("_", "/") : undefined),
    "RFC 4648 section 5",
    "base64url has - and _ instead of + and /.",
  ],
  [
    "with one more character, a length that base64 cannot have",
    withOneMore,
    "RFC 4648 section 4",
    "No base64 text has a length of 1 modulo 4.",
  ],
  [
    "with bits set that decoding drops",
    (text) => (text.length % 4 === 0 ? undefined : withSpareBit(text)),
    "RFC 4648 section 3.5",
    "Decoders may reject an encoding whose pad bits are not zero.",
    "either",
  ],
];

/** @param {string} text */
function padded(text) {
  const missing = (4 - (text.length % 4)) % 4;
  return missing === 0 ? undefined : text + "=".repeat(missing);
}

/**
 * @param {string} text
 * @param {string} inserted
 */
function inside(text, inserted) {
  // A multiple of four characters, because some decoders skip whitespace only there.
  return text.slice(0, 8) + inserted + text.slice(8);
}

/** @param {string} text */
function withSpareBit(text) {
  const last = ALPHABET.indexOf(text.slice(-1));
  return text.slice(0, -1) + ALPHABET.charAt(last + 1);
}
