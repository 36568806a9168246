// Waiting for conditions: never for time. The limits only turn a hang into a readable failure.

/** Rejects with `what` if `promise` has not settled in time. `detail` may add what is known by then. */
export async function bounded(promise, what, { limit = 30_000, detail = () => "" } = {}) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up waiting for ${what}${detail()}`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise with its own `resolve` and `reject`: a signal that one side gives and the other awaits. */
export function signal() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  // Whoever awaits it sees a rejection; nobody awaiting it is no fault.
  made.promise.catch(() => {});
  return made;
}
