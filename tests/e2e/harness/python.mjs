// Python applications under uvicorn, with the packages that a requirements.txt pins.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { repository } from "./paths.mjs";
import { bounded, signal } from "./waiting.mjs";

const PROGRAM = path.join(repository, "tests/e2e/fixtures/serve.py");

const run = promisify(execFile);

const isWindows = process.platform === "win32";

/** A Python of 3.10 or later, by the name it has here; none if there is none. */
async function python() {
  for (const name of ["python3", "python"]) {
    const wanted = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    if (
      await run(name, ["-c", wanted]).then(
        () => true,
        () => false,
      )
    )
      return name;
  }
}

/**
 * The interpreter of an environment that has exactly what the file pins: made once, below target/. `{ reason }` where
 * there is no Python for it or no package index.
 */
export async function environment(requirements) {
  const found = await python();
  if (!found) return { reason: "there is no Python 3.10 or later with venv and pip on the PATH" };
  const hash = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex");
  const folder = path.join(repository, "target/python", hash.slice(0, 16));
  const interpreter = (parent) =>
    path.join(parent, isWindows ? "Scripts/python.exe" : "bin/python");
  const marker = path.join(folder, "complete");
  if (existsSync(marker)) return { interpreter: interpreter(folder) };
  console.log(
    `installing ${path.relative(repository, requirements)} into target/python (once, half a minute)`,
  );
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true });
  await run(found, ["-m", "venv", folder]);
  const options = [
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--retries",
    "1",
    "--timeout",
    "20",
  ];
  try {
    await run(interpreter(folder), [
      "-m",
      "pip",
      "install",
      ...options,
      "--requirement",
      requirements,
    ]);
  } catch ({ stderr }) {
    // Only what a missing index says; a requirement that cannot be met is a fault of the file's.
    if (
      /Temporary failure|NewConnectionError|Failed to establish|Max retries|timed out|ConnectTimeout/.test(
        stderr,
      )
    ) {
      return { reason: "no package index can be reached" };
    }
    throw new Error(`pip cannot install ${requirements}:\n${stderr}`);
  }
  await mkdir(marker);
  return { interpreter: interpreter(folder) };
}

/** The app `main:app` of a folder, on a port of its own, and what it says of the requests that it gets. */
export async function startUvicorn({ interpreter, folder, environment }) {
  const child = spawn(interpreter, [PROGRAM], {
    cwd: folder,
    env: { ...process.env, ...environment, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  const listening = signal();
  const requests = [];
  const read = (line) => {
    said += `${line}\n`;
    const url = /^listening on (\S+)$/.exec(line)?.[1];
    if (url) listening.resolve(url);
    const request = /"([A-Z]+ \S+) HTTP\/1\.1" (\d{3})/.exec(line);
    if (request) requests.push(`${request[1]} ${request[2]}`);
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      lines.forEach(read);
    });
  }
  child.once("error", listening.reject);
  child.once("close", (code) => listening.reject(new Error(`it ended with code ${code}`)));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  };
  try {
    const url = await bounded(listening.promise, "uvicorn to listen", {
      detail: () => `\n${said}`,
    });
    return {
      url,
      stop,
      /**
       * Exactly these requests have come since, each as `METHOD TARGET STATUS`. uvicorn writes in the order in which
       * it answers, so that what came before the last of them has been written too.
       */
      async expectRequests(expected) {
        const here = async () => {
          while (requests.length < expected.length)
            await new Promise((resolve) => child.stdout.once("data", resolve));
        };
        await bounded(here(), `uvicorn to log ${expected.length} requests`, {
          detail: () => `\n${said}`,
        });
        const seen = requests.splice(0);
        if (JSON.stringify(seen) !== JSON.stringify(expected)) {
          throw new Error(
            `uvicorn was asked [${seen.join(", ")}] instead of [${expected.join(", ")}]`,
          );
        }
      },
    };
  } catch (error) {
    await stop();
    throw new Error(`uvicorn did not start: ${error.message}\n${said}`, { cause: error });
  }
}
