// The Worker in `wrangler dev`, as people run it: with wrangler's own proxy before it.

import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { LogBook } from "./logs.mjs";
import { compatibilityDate, repository } from "./paths.mjs";
import { Running } from "./running.mjs";
import { bounded } from "./waiting.mjs";

// What we started ends with us, also when a test run is broken off: wrangler has children of its own, all in one group.
const leftovers = new Set();
process.on("exit", () => leftovers.forEach((remove) => remove()));

/** As `startWorkerd`, without services. */
export async function startWranglerDev({ modules, bindings = {}, flags = [] }) {
  const logs = new LogBook();
  const directory = await mkdtemp(path.join(os.tmpdir(), "gate-"));
  let child;
  const end = () => {
    try {
      if (child?.pid) process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
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
    for (const { name, path: source, contents } of modules) {
      const target = path.join(directory, name);
      await (contents === undefined ? copyFile(source, target) : writeFile(target, contents));
    }
    const configuration = path.join(directory, "wrangler.json");
    await writeFile(
      configuration,
      JSON.stringify({
        name: "gate",
        main: modules[0].name,
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
    throw new Error(`wrangler dev did not start: ${error.message}\n${logs.text}`, { cause: error });
  }
}

/** The URL that it says it is ready on; its lines go into the book. */
function ready(child, logs) {
  return new Promise((resolve, reject) => {
    for (const [level, stream] of Object.entries({ stdout: child.stdout, stderr: child.stderr })) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (chunk) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop();
        for (const message of lines) {
          logs.add({ level, message });
          const found = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(message);
          if (found) resolve(found[1]);
        }
      });
    }
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`it ended with code ${code}`)));
  });
}
