// Compares cli/tests/dev-vars.json with wrangler. The commands that read secrets for local use
// have the same file as their test.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { unstable_getVarsForDev as getVarsForDev } from "wrangler";
import { repository } from "./harness/paths.mjs";

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {Record<string, string>} files
 * @property {string} [environment]
 * @property {Record<string, string>} [process] The variables of wrangler's process.
 * @property {Record<string, any>} [vars]
 * @property {{ required?: string[] }} [secrets]
 * @property {Record<string, string>} expected The secrets.
 */

/** @type {Case[]} */
const cases = JSON.parse(readFileSync(path.join(repository, "cli/tests/dev-vars.json"), "utf8"));

describe("the secrets for local use", () => {
  for (const {
    name,
    files,
    environment,
    process: own = {},
    vars = {},
    secrets,
    expected,
  } of cases) {
    it(name, () => {
      const folder = mkdtempSync(path.join(os.tmpdir(), "dev-vars-"));
      const before = process.env;
      try {
        for (const [file, text] of Object.entries(files))
          writeFileSync(path.join(folder, file), text);
        process.env = { ...own };
        const config = path.join(folder, "wrangler.toml");
        const read = getVarsForDev(config, undefined, vars, environment, true, secrets);
        const found = Object.entries(read).flatMap(([name, binding]) =>
          binding.type === "secret_text" ? [[name, binding.value]] : [],
        );
        assert.deepEqual(Object.fromEntries(found), expected);
      } finally {
        process.env = before;
        rmSync(folder, { recursive: true });
      }
    });
  }
});
