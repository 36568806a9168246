// Collects every line that a Worker logs and every line that the runtime itself prints.

/** @typedef {{level: string, message: string}} Entry */
/** @typedef {Record<string, unknown>} Structured a log line that is a JSON object */

export class LogBook {
  /** @type {(Entry & {json: Structured | undefined})[]} */
  #entries = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {Entry} entry */
  add(entry) {
    this.#entries.push({ ...entry, json: parsed(entry.message) });
    for (const check of this.#waiting) check();
  }

  get entries() {
    return [...this.#entries];
  }

  /** The lines that are JSON objects, parsed. */
  get structured() {
    return this.#entries.flatMap(({ json }) => (json === undefined ? [] : [json]));
  }

  /** All lines as one text, for tests that check what must not be logged. */
  get text() {
    return this.#entries.map(({ level, message }) => `${level}: ${message}`).join("\n");
  }

  /**
   * Resolves with the first truthy value that `condition` returns. The test's own time limit
   * applies.
   *
   * @template T
   * @param {(book: LogBook) => T} condition
   * @returns {Promise<Exclude<T, undefined | null | false | "">>}
   */
  waitFor(condition) {
    return new Promise((resolve, reject) => {
      const check = () => {
        let answer;
        try {
          answer = condition(this);
        } catch (error) {
          this.#waiting.delete(check);
          reject(error);
          return;
        }
        if (!answer) return;
        this.#waiting.delete(check);
        resolve(/** @type {Exclude<T, undefined | null | false | "">} */ (answer));
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/**
 * Calls `take` with each complete line of a stream, and with an incomplete last line when the
 * stream ends.
 *
 * @param {NodeJS.ReadableStream} stream
 * @param {(line: string) => void} take
 */
export function readLines(stream, take) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
}

/**
 * Adds the structured lines that workerd writes to a stream to a book. Other lines get the level
 * `label`.
 *
 * @param {NodeJS.ReadableStream} stream
 * @param {LogBook} book
 * @param {string} label
 */
export function readStructuredLines(stream, book, label) {
  readLines(stream, (line) => {
    if (line === "") return;
    const value = parsed(line);
    if (value && typeof value.level === "string" && typeof value.message === "string") {
      book.add({ level: value.level, message: value.message });
    } else {
      book.add({ level: label, message: line });
    }
  });
}

/**
 * @param {string} text
 * @returns {Structured | undefined}
 */
function parsed(text) {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
