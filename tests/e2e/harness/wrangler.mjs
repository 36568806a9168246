// Runs the Worker in `wrangler dev`, behind wrangler's own proxy, as developers do.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LogBook, readLines } from "./logs.mjs";
import { compatibilityDate, repository } from "./paths.mjs";
import { Running } from "./running.mjs";
import { bounded, messageOf } from "./waiting.mjs";

/** @import { ChildProcessByStdio } from "node:child_process" */
/** @import { Readable } from "node:stream" */
/** @import { RuntimeOptions } from "./gate.mjs" */

/** @typedef {ChildProcessByStdio<null, Readable, Readable>} Child */

// Everything that was started ends with this process, even if the tests are interrupted. Wrangler
// starts processes of its own, all in one group.
/** @type {Set<() => void>} */
const leftovers = new Set();
process.on("exit", () => leftovers.forEach((remove) => remove()));

/**
 * Takes no services.
 *
 * @param {RuntimeOptions} options
 */
export async function startWranglerDev({ modules, bindings = {}, flags = [] }) {
  const logs = new LogBook();
  const directory = await mkdtemp(path.join(os.tmpdir(), "gate-"));
  /** @type {Child | undefined} */
  let child;
  const end = () => {
    try {
      if (child?.pid) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  };
  const abandon = () => {
    end();
    rmSync(directory, { recursive: true, force: true });
  };
  leftovers.add(abandon);
  const stop = async () => {
    end();
    await rm(directory, { recursive: true, force: true });
    leftovers.delete(abandon);
  };
  try {
    for (const { name, path: source = "", contents } of modules) {
      const target = path.join(directory, name);
      await (contents === undefined ? copyFile(source, target) : writeFile(target, contents));
    }
    const configuration = path.join(directory, "wrangler.json");
    await writeFile(
      configuration,
      JSON.stringify({
        name: "gate",
        main: modules[0]?.name,
        compatibility_date: compatibilityDate,
        compatibility_flags: flags,
        no_bundle: true,
        find_additional_modules: true,
        rules: [
          { type: "ESModule", globs: ["**/*.js"] },
          { type: "CompiledWasm", globs: ["**/*.wasm"] },
        ],
        vars: bindings,
      }),
    );
    const wrangler = path.join(repository, "node_modules/wrangler/bin/wrangler.js");
    const options = [
      "--ip",
      "127.0.0.1",
      "--port",
      "0",
      "--inspector-port",
      "0",
      "--show-interactive-dev-session=false",
    ];
    child = spawn(process.execPath, [wrangler, "dev", "--config", configuration, ...options], {
      cwd: directory,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        HOME: directory,
        XDG_CONFIG_HOME: directory,
        WRANGLER_SEND_METRICS: "false",
        NO_COLOR: "1",
      },
    });
    const detail = () => `\n${logs.text}`;
    const url = await bounded(ready(child, logs), "wrangler dev to be ready", {
      limit: 90_000,
      detail,
    });
    return new Running({ url, logs, stop });
  } catch (error) {
    await stop();
    throw new Error(`wrangler dev did not start: ${messageOf(error)}\n${logs.text}`, {
      cause: error,
    });
  }
}

/**
 * Resolves with the URL that wrangler listens on. Adds all output to the book.
 *
 * @param {Child} child
 * @param {LogBook} logs
 * @returns {Promise<string>}
 */
function ready(child, logs) {
  return new Promise((resolve, reject) => {
    for (const [level, stream] of Object.entries({ stdout: child.stdout, stderr: child.stderr })) {
      readLines(stream, (message) => {
        logs.add({ level, message });
        const url = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(message)?.[1];
        if (url) resolve(url);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`it exited with code ${code}`)));
  });
}
