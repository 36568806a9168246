// What a request takes in JavaScript, in few calls: each crossing from WebAssembly costs more than what is done here.

/** Method, URL, and every header's name and value, each on a line. */
export function read(request) {
  let lines = `${request.method}\n${request.url}`;
  for (const [name, value] of request.headers) lines += `\n${name}\n${value}`;
  return lines;
}

/**
 * The request with another URL and other headers: lines of the URL, the names to remove, and names and values to set.
 *
 * `new Request(url, request)` keeps the streamed body with its length, bodies of GET, and `cf`. Without a body and
 * where nobody reads `cf`, what `fetch` takes along with a URL is the same, and made in half the time.
 */
export function rewrite(request, lines, keepsCf) {
  const [url, removed, ...set] = lines.split("\n");
  let rewritten;
  if (keepsCf || request.body !== null) {
    rewritten = new Request(url, request);
  } else {
    const { href } = new URL(url);
    rewritten = { url: href, isAsAsked: href === url, method: request.method, headers: new Headers(request.headers) };
  }
  const { headers } = rewritten;
  if (removed !== "") for (const name of removed.split(",")) headers.delete(name);
  for (let at = 0; at < set.length; at += 2) headers.set(set[at], set[at + 1]);
  return rewritten;
}

const MANNER = { redirect: "manual" };
const UNCACHED = { redirect: "manual", cache: "no-store" };

/**
 * Has what a fetcher, a service or the network, answers told under a number, or its fault; `undefined` when it does not
 * answer in time. What is told second finds nobody. The runtime's timers end with the request, so that nothing has to
 * be cleared.
 */
export function ask(fetcher, rewritten, isCached, milliseconds, number, tell) {
  const manner = isCached ? MANNER : UNCACHED;
  const answer =
    rewritten instanceof Request
      ? fetcher.fetch(rewritten, manner)
      : fetcher.fetch(rewritten.url, { ...rewritten, ...manner });
  answer.then(
    (response) => tell(number, true, response),
    (fault) => tell(number, false, fault),
  );
  setTimeout(tell, milliseconds, number, true);
}

/** A promise, with what settles it. */
export function deferred() {
  return Promise.withResolvers();
}

/** Settles it. */
export function settle({ resolve, reject }, isFulfilled, value) {
  (isFulfilled ? resolve : reject)(value);
}
