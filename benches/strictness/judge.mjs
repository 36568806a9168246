// Judges the corpus with one JavaScript library, and prints one line of JSON for each case. The
// arguments are the name of the library, the file with the corpus, and the index of the first case.

import { readFileSync } from "node:fs";
import { LIBRARIES } from "./libraries.mjs";

/** @import { Corpus } from "./corpus.mjs" */
/** @import { Verify } from "./libraries.mjs" */

const [, , name = "", file = "", first = "0"] = process.argv;
const library = LIBRARIES[name];
if (library === undefined) throw new Error(`unknown library: ${name}`);
/** @type {Corpus} */
const corpus = JSON.parse(readFileSync(file, "utf8"));

/** @type {Map<string, Verify | Error>} */
const verifiers = new Map();
for (const [index, { key, token }] of corpus.cases.entries()) {
  if (index < Number(first)) continue;
  console.log(JSON.stringify({ index, ...(await judge(key, token)) }));
}

/**
 * @param {string} key
 * @param {string} token
 */
async function judge(key, token) {
  const verify = verifiers.get(key) ?? (await configure(key));
  verifiers.set(key, verify);
  if (verify instanceof Error) return { accepted: false, error: "the key is refused" };
  try {
    return { accepted: await verify(token) };
  } catch (error) {
    const known = library?.isDocumented(error) ?? false;
    const { name, code } = /** @type {{name?: string, code?: unknown}} */ (error);
    return {
      accepted: false,
      error: typeof code === "string" ? `${name} ${code}` : String(name),
      ...(known ? {} : { undocumented: true }),
    };
  }
}

/** @param {string} key */
async function configure(key) {
  const configured = corpus.keys[key];
  if (!configured) throw new Error(`no such key: ${key}`);
  try {
    return await /** @type {NonNullable<typeof library>} */ (library).configure(configured, corpus);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
