// Reads the documents of the repository and the code blocks in them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { repository } from "./paths.mjs";

/**
 * @typedef {object} Block
 * @property {string} where
 * @property {string} language
 * @property {boolean} isExcerpt
 * @property {string | undefined} file The file of which the block is a part.
 * @property {string} text Without the indentation of a list.
 */

/**
 * Returns the text of a file of the repository.
 *
 * @param {string} name
 */
export const read = (name) => readFileSync(path.join(repository, name), "utf8");

/**
 * Returns the fenced code blocks of a document.
 *
 * @param {string} name
 * @returns {Block[]}
 */
export function blocks(name) {
  const text = read(name);
  const fences = [...text.matchAll(/^( *)```(.*)\n([^]*?)^\1```$/gm)];
  assert.equal(
    text.match(/^ *```/gm)?.length ?? 0,
    2 * fences.length,
    `${name}: a fence is not closed`,
  );
  return fences.map(({ 1: indent = "", 2: info = "", 3: body = "", index }) => {
    const [language = "", ...words] = info.trim().split(/\s+/);
    const line = text.slice(0, index).split("\n").length;
    return {
      where: `${name}:${line}`,
      language,
      isExcerpt: words.includes("excerpt"),
      file: words.find((word) => word.startsWith("file="))?.slice(5),
      text: body.replace(new RegExp(`^${indent}`, "gm"), ""),
    };
  });
}
