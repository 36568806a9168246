// What a Worker said: every line of its console and of the runtime's own output.

export class LogBook {
  #entries = [];
  #waiting = new Set();

  /** `entry`: { level, message }. */
  add(entry) {
    const structured = parsed(entry.message);
    this.#entries.push({ ...entry, json: structured });
    for (const check of this.#waiting) check();
  }

  get entries() {
    return [...this.#entries];
  }

  /** Only the lines that are JSON objects, parsed. */
  get structured() {
    return this.#entries.flatMap(({ json }) => (json === undefined ? [] : [json]));
  }

  /** All of it, as text: for the tests that look for what must not be there. */
  get text() {
    return this.#entries.map(({ level, message }) => `${level}: ${message}`).join("\n");
  }

  /** Resolves once `enough(book)` is truthy, with what it returned. The test's own time limit bounds it. */
  waitFor(enough) {
    return new Promise((resolve, reject) => {
      const check = () => {
        let answer;
        try {
          answer = enough(this);
        } catch (error) {
          this.#waiting.delete(check);
          reject(error);
          return;
        }
        if (!answer) return;
        this.#waiting.delete(check);
        resolve(answer);
      };
      this.#waiting.add(check);
      check();
    });
  }
}

/** Feeds a stream of structured lines, as workerd writes them, into a book. */
export function readStructuredLines(stream, book, label) {
  let rest = "";
  const take = (line) => {
    if (line === "") return;
    const value = parsed(line);
    if (value && typeof value.level === "string" && typeof value.message === "string") {
      book.add({ level: value.level, message: value.message });
    } else {
      book.add({ level: label, message: line });
    }
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    lines.forEach(take);
  });
  stream.on("end", () => take(rest));
}

function parsed(text) {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
