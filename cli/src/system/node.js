// The functions of Node that the commands need. All of them are synchronous, as in the native
// program.

import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";

/**
 * What the native program prints for common errors. Node words them otherwise.
 *
 * @type {Record<string, string>}
 */
const MESSAGES = {
  EACCES: "Permission denied",
  EEXIST: "File exists",
  EISDIR: "Is a directory",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  EPERM: "Operation not permitted",
};

/**
 * Gives an error the message of the native program.
 *
 * @param {unknown} thrown
 */
function described(thrown) {
  const error = /** @type {NodeJS.ErrnoException} */ (thrown);
  const { code = "", errno } = error;
  const message = MESSAGES[code];
  if (message !== undefined) error.message = `${message} (os error ${Math.abs(errno ?? 0)})`;
  return error;
}

/**
 * Performs an action. Throws an error with the message of the native program.
 *
 * @template T
 * @param {() => T} action
 */
function attempt(action) {
  try {
    return action();
  } catch (thrown) {
    throw described(thrown);
  }
}

/**
 * Waits until a stream that does not block is ready again.
 */
function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

/** @param {string} file */
export function read(file) {
  return attempt(() => readFileSync(file));
}

/** @param {string} name */
export function readBesideScript(name) {
  return attempt(() => readFileSync(new URL(name, import.meta.url)));
}

/** @param {string} file */
export function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** @param {string} file */
export function exists(file) {
  return existsSync(file);
}

/**
 * @param {string} file
 * @param {string} text
 * @param {boolean} isSecret
 */
export function createNew(file, text, isSecret) {
  attempt(() => {
    const descriptor = openSync(file, "wx", isSecret ? 0o600 : 0o666);
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  });
}

/**
 * @param {string} file
 * @param {string} text
 */
export function write(file, text) {
  attempt(() => writeFileSync(file, text));
}

/**
 * Returns the matches of a regular expression as JSON: for each, its text and those of its groups.
 *
 * @param {string} pattern
 * @param {string} flags
 * @param {string} text
 */
export function matches(pattern, flags, text) {
  const found = text.matchAll(new RegExp(pattern, `g${flags}`));
  // A group that takes no part becomes null.
  return JSON.stringify([...found].map((match) => [...match]));
}

/**
 * @param {string} pattern
 * @param {string} flags
 * @param {string} text
 * @param {string} replacement
 */
export function replaceAll(pattern, flags, text, replacement) {
  return text.replaceAll(new RegExp(pattern, `g${flags}`), replacement);
}

/** @param {string} folder */
export function createFolder(folder) {
  attempt(() => mkdirSync(folder, { recursive: true }));
}

/**
 * Returns the absolute path, with the separators that the commands expect.
 *
 * @param {string} file
 */
export function resolve(file) {
  return path.resolve(file).replaceAll(path.sep, "/");
}

/** Returns the names and the values of the variables in turn. */
export function variables() {
  return Object.entries(process.env).flatMap(([name, value]) => [name, value ?? ""]);
}

/** Reads standard input to its end. */
export function readInput() {
  const chunks = [];
  for (;;) {
    const chunk = readSome(64 * 1024);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** Reads a line of standard input, with its line break. */
export function readLine() {
  const bytes = [];
  for (;;) {
    // One byte each time, because what follows the line must remain to be read.
    const chunk = readSome(1);
    bytes.push(chunk);
    if (chunk.length === 0 || chunk[0] === 0x0a) return Buffer.concat(bytes);
  }
}

/**
 * Reads from standard input. Returns nothing at its end.
 *
 * @param {number} most How many bytes are read at most.
 */
function readSome(most) {
  const buffer = Buffer.alloc(most);
  for (;;) {
    try {
      return buffer.subarray(0, readSync(0, buffer));
    } catch (thrown) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (thrown);
      // The end of a terminal's input on Windows.
      if (code === "EOF") return buffer.subarray(0, 0);
      if (code !== "EAGAIN") throw described(thrown);
      pause();
    }
  }
}

/** Whether a person can answer questions. */
export function isInteractive() {
  return isatty(0) && isatty(2);
}

/**
 * Writes to a standard stream. Ignores errors, because the reader may have closed the pipe, as
 * `head` does.
 *
 * @param {number} descriptor
 * @param {string} text
 */
export function print(descriptor, text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (thrown) {
      if (/** @type {NodeJS.ErrnoException} */ (thrown).code !== "EAGAIN") return;
      pause();
    }
  }
}

/**
 * Whether to color what is written to a stream, by the same rules as the native program.
 *
 * @param {number} descriptor
 */
export function hasColors(descriptor) {
  const { CLICOLOR, CLICOLOR_FORCE, NO_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (CLICOLOR_FORCE && CLICOLOR_FORCE !== "0") return true;
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return stream.isTTY === true && CLICOLOR !== "0" && TERM !== "dumb";
}

/** Returns the width of the terminal. */
export function columns() {
  const named = Number(process.env.COLUMNS);
  return process.stdout.columns ?? (named > 0 ? Math.trunc(named) : undefined);
}

/** Returns the time in milliseconds since 1970. */
export function now() {
  return Date.now();
}

/**
 * Runs a program.
 *
 * @param {string} program
 * @param {string[]} words
 * @param {boolean} isCaptured
 */
export function spawn(program, words, isCaptured) {
  const { error, signal, status, stderr, stdout } = spawnSync(program, words, {
    encoding: "utf8",
    stdio: isCaptured ? ["ignore", "pipe", "pipe"] : "inherit",
    maxBuffer: 64 * 1024 * 1024,
    // The programs that npm installs are scripts there.
    shell: process.platform === "win32",
  });
  if (error) throw described(error);
  return {
    isSuccess: status === 0,
    output: `${stdout ?? ""}${stderr ?? ""}`,
    status: status === null ? `signal: ${signal}` : `exit status: ${status}`,
  };
}

/**
 * Fetches in a thread of its own, so that the caller can wait for it.
 *
 * @param {{url: string, headers: Record<string, string>, form?: string, milliseconds: number,
 *   bytes: number, port: import("node:worker_threads").MessagePort, done: Int32Array}} question
 */
async function fetchInThread({ url, headers, form, milliseconds, bytes, port, done }) {
  let answer;
  try {
    // Not the function below.
    const response = await globalThis.fetch(url, {
      method: form === undefined ? "GET" : "POST",
      headers,
      body: form,
      redirect: "manual",
      signal: AbortSignal.timeout(milliseconds),
    });
    const received = Date.now();
    const chunks = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes) break;
    }
    const body = Buffer.concat(chunks).subarray(0, bytes);
    answer = { status: response.status, headers: [...response.headers].flat(), received, body };
  } catch (thrown) {
    const { cause, message, name } = /** @type {Error & {cause?: Error}} */ (thrown);
    answer = {
      problem:
        name === "TimeoutError"
          ? `no response within ${milliseconds / 1000} seconds`
          : (cause?.message ?? message),
    };
  }
  port.postMessage(answer);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}

/**
 * Fetches a document and waits for it. Does not follow redirects.
 *
 * @param {string} url
 * @param {string} accept
 * @param {number} seconds
 * @param {number} bytes How much of the body is read at most.
 * @param {string[]} more The names and values of further headers in turn.
 * @param {string} [form] A form to send by POST, instead of a GET.
 */
export function fetch(url, accept, seconds, bytes, more, form) {
  const { port1, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const source = `(${fetchInThread})(require("node:worker_threads").workerData)`;
  const milliseconds = seconds * 1000;
  /** @type {Record<string, string>} */
  const headers = { accept, "user-agent": "portcullis" };
  for (let at = 0; at + 1 < more.length; at += 2)
    headers[String(more[at]).toLowerCase()] = String(more[at + 1]);
  const worker = new Worker(source, {
    eval: true,
    workerData: { url, headers, form, milliseconds, bytes, port: port2, done },
    transferList: [port2],
  });
  Atomics.wait(done, 0, 0, milliseconds + 5000);
  const answer = receiveMessageOnPort(port1)?.message;
  worker.terminate();
  if (answer === undefined) throw new Error(`no response within ${seconds} seconds`);
  if (answer.problem !== undefined) throw new Error(answer.problem);
  return answer;
}
