// Waits for conditions, never for a fixed time. A limit only turns a hang into a readable failure.

/**
 * Rejects with `what` if `promise` does not settle in time. `detail` adds what is known by then.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what
 * @param {{limit?: number, detail?: () => string}} [options]
 * @returns {Promise<T>}
 */
export async function bounded(promise, what, { limit = 30_000, detail = () => "" } = {}) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up waiting for ${what}${detail()}`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A promise that is settled from outside.
 *
 * @template [T=void]
 * @typedef {object} Signal
 * @property {Promise<T>} promise
 * @property {(value: T) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/**
 * Creates a promise together with its `resolve` and `reject`.
 *
 * @template [T=void]
 * @returns {Signal<T>}
 */
export function signal() {
  /** @type {Signal<T>["resolve"]} */
  let resolve = () => {};
  /** @type {Signal<T>["reject"]} */
  let reject = () => {};
  /** @type {Promise<T>} */
  const promise = new Promise((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A rejection that nobody awaits must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/**
 * The message of anything that was thrown.
 *
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
