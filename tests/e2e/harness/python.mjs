// Runs Python applications under uvicorn, with the packages that a requirements.txt pins.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { readLines } from "./logs.mjs";
import { repository } from "./paths.mjs";
import { bounded, messageOf, signal } from "./waiting.mjs";

/** @import { Signal } from "./waiting.mjs" */

const PROGRAM = path.join(repository, "tests/e2e/fixtures/serve.py");

const run = promisify(execFile);

const isWindows = process.platform === "win32";

/** Returns the command of a Python 3.10 or later, or `undefined` if there is none. */
async function python() {
  const script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
  for (const name of ["python3", "python"]) {
    const works = await run(name, ["-c", script]).then(
      () => true,
      () => false,
    );
    if (works) return name;
  }
  return undefined;
}

/**
 * Returns the interpreter of an environment with exactly the pinned packages. The environment is
 * created once, below target/. Returns a reason instead if there is no suitable Python or if no
 * package index can be reached.
 *
 * @param {string} requirements
 * @returns {Promise<{interpreter: string, reason?: undefined} | {interpreter?: undefined, reason:
 *   string}>}
 */
export async function environment(requirements) {
  const found = await python();
  if (!found) return { reason: "there is no Python 3.10 or later with venv and pip on the PATH" };
  const hash = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
  const folder = path.join(repository, "target/python", hash.slice(0, 16));
  const interpreter = path.join(folder, isWindows ? "Scripts/python.exe" : "bin/python");
  const marker = path.join(folder, "complete");
  if (existsSync(marker)) return { interpreter };
  console.log(
    `installing ${path.relative(repository, requirements)} into target/python (only once, takes half a minute)`,
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true });
  await run(found, ["-m", "venv", folder]);
  const options = "--quiet --disable-pip-version-check --no-input --retries 1 --timeout 20";
  try {
    await run(interpreter, [
      "-m",
      "pip",
      "install",
      ...options.split(" "),
      "--requirement",
      requirements,
    ]);
  } catch (error) {
    const { stderr } = /** @type {{stderr: string}} */ (error);
    // Only a missing index excuses a failure. A requirement that cannot be met is a fault of the
    // file.
    const isUnreachable =
      /Temporary failure|NewConnectionError|Failed to establish|Max retries|timed out|ConnectTimeout/;
    if (isUnreachable.test(stderr)) return { reason: "no package index can be reached" };
    throw new Error(`pip cannot install ${requirements}:\n${stderr}`);
  }
  await mkdir(marker);
  return { interpreter };
}

/**
 * Starts the application `main:app` of a folder on a free port, and records its requests.
 *
 * @param {{interpreter: string, folder: string, environment?: NodeJS.ProcessEnv}} options
 */
export async function startUvicorn({ interpreter, folder, environment }) {
  const child = spawn(interpreter, [PROGRAM], {
    cwd: folder,
    env: { ...process.env, ...environment, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let output = "";
  const detail = () => `\n${output}`;
  /** @type {Signal<string>} */
  const listening = signal();
  /** @type {string[]} */
  const requests = [];
  for (const stream of [child.stdout, child.stderr]) {
    readLines(stream, (line) => {
      output += `${line}\n`;
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url) listening.resolve(url);
      const request = /"([A-Z]+ \S+) HTTP\/1\.1" (\d{3})/.exec(line);
      if (request) requests.push(`${request[1]} ${request[2]}`);
    });
  }
  child.once("error", listening.reject);
  child.once("close", (code) => listening.reject(new Error(`it exited with code ${code}`)));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  };
  try {
    const url = await bounded(listening.promise, "uvicorn to listen", { detail });
    return {
      url,
      stop,
      /**
       * Asserts that exactly these requests have arrived since the last call. uvicorn logs requests
       * in the order in which it answers them, so everything before the last of them has been
       * logged too.
       *
       * @param {string[]} expected each as `METHOD TARGET STATUS`
       */
      async expectRequests(expected) {
        const arrived = async () => {
          while (requests.length < expected.length)
            await new Promise((resolve) => child.stdout.once("data", resolve));
        };
        await bounded(arrived(), `uvicorn to log ${expected.length} requests`, { detail });
        const seen = requests.splice(0);
        if (JSON.stringify(seen) !== JSON.stringify(expected)) {
          throw new Error(
            `uvicorn received [${seen.join(", ")}] instead of [${expected.join(", ")}]`,
          );
        }
      },
    };
  } catch (error) {
    await stop();
    throw new Error(`uvicorn did not start: ${messageOf(error)}\n${output}`, { cause: error });
  }
}
