// `wrangler` runs `cargo xtask build` before it deploys. The build checks the configuration that
// is deployed, and stops if the platform would answer requests without the gate.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { repository } from "./harness/paths.mjs";

const SETTINGS = `
name = "gate"
main = "${path.join(repository, "build/index.js")}"
compatibility_date = "2026-10-01"
preview_urls = false
build.command = "cargo xtask build"
vars.POLICY = { origin = "echo", routes = [{ path = "/*", access = "public" }] }
`;

/**
 * Asserts that wrangler does not deploy a configuration, and that the build says why.
 *
 * @param {string[]} words
 * @param {RegExp} why
 */
function refuses(words, why) {
  const wrangler = path.join(repository, "node_modules/wrangler/bin/wrangler.js");
  const home = mkdtempSync(path.join(os.tmpdir(), "home-"));
  const options = {
    cwd: repository,
    encoding: /** @type {const} */ ("utf8"),
    stdio: /** @type {["ignore", "pipe", "pipe"]} */ (["ignore", "pipe", "pipe"]),
    env: {
      ...process.env,
      XDG_CONFIG_HOME: home,
      WRANGLER_SEND_METRICS: "false",
      NO_COLOR: "1",
    },
  };
  try {
    execFileSync(process.execPath, [wrangler, "deploy", "--dry-run", ...words], options);
  } catch (error) {
    const { stdout, stderr } = /** @type {{ stdout: string, stderr: string }} */ (error);
    assert.match(`${stdout}\n${stderr}`, /not built: requests would be answered without the gate/);
    assert.match(`${stdout}\n${stderr}`, why);
    return;
  } finally {
    rmSync(home, { recursive: true });
  }
  assert.fail("wrangler deployed the configuration");
}

describe("the build checks the configuration that wrangler deploys", () => {
  const inside = path.join(repository, "target", "deployments");
  mkdirSync(inside, { recursive: true });
  for (const folder of [os.tmpdir(), inside]) {
    const place = folder === inside ? "inside" : "outside";

    /**
     * @param {string} name
     * @param {string} text
     * @param {string[]} words
     * @param {RegExp} why
     */
    const check = (name, text, words, why) => {
      const below = mkdtempSync(path.join(folder, "deployment-"));
      try {
        const file = path.join(below, name);
        writeFileSync(file, text);
        refuses(["--config", file, ...words], why);
      } finally {
        rmSync(below, { recursive: true });
      }
    };

    it(`another file ${place} the checkout`, () => {
      check("other.toml", `${SETTINGS}cache.enabled = true\n`, [], /other\.toml/);
    });

    it(`another environment of another file ${place} the checkout`, () => {
      const text = `${SETTINGS}[env.production.cache]\nenabled = true\n`;
      check("other.toml", text, ["--env", "production"], /env\.production: cache\.enabled/);
    });

    it(`a script or static files in the command line, with a file ${place} the checkout`, () => {
      check("gate.toml", SETTINGS, ["--assets", "www"], /argument\s+--assets/);
      check("gate.toml", SETTINGS, ["tests/e2e/build.test.mjs"], /build\.test\.mjs: remove it/);
    });

    it(`another script ${place} the checkout`, () => {
      for (const main of ["index.js", "build/index.js"]) {
        const text = SETTINGS.replace(/main = .*/, `main = "${main}"`);
        check("gate.toml", text, [], /gate\.toml:\d+: main: /);
      }
    });
  }
});
