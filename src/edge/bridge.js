// What a request takes in JavaScript, in few calls: each crossing from WebAssembly costs more than what is done here.
// It is written for a runtime that has not optimised it yet: no patterns that iterate, no spreading.

const encoder = new TextEncoder();

/**
 * Writes method, URL, and every header's name and value, each on a line. The bytes that were written; or, less than
 * nothing by as many bytes as are enough, that they do not fit.
 */
export function read(request, into) {
  let lines = `${request.method}\n${request.url}`;
  request.headers.forEach((value, name) => {
    lines += `\n${name}\n${value}`;
  });
  const result = encoder.encodeInto(lines, into);
  return result.read === lines.length ? result.written : -3 * lines.length;
}

const redirect = "manual";

/**
 * The request with another URL and other headers: lines of the URL, the names to remove, and names and values to set.
 *
 * `new Request(url, request)` keeps the streamed body with its length, bodies of GET, and `cf`. Without a body and
 * where nobody reads `cf`, what `fetch` takes along with a URL is the same, and made in half the time.
 */
export function rewrite(request, lines, keepsCf) {
  const line = lines.split("\n");
  const asked = line[0];
  let input;
  let url;
  let init;
  let headers;
  if (keepsCf || request.body !== null) {
    input = new Request(asked, request);
    url = input.url;
    init = { redirect };
    headers = input.headers;
  } else {
    input = url = new URL(asked).href;
    headers = new Headers(request.headers);
    init = { redirect, method: request.method, headers };
  }
  if (line[1] !== "") line[1].split(",").forEach((name) => headers.delete(name));
  for (let at = 2; at < line.length; at += 2) headers.set(line[at], line[at + 1]);
  return { input, init, headers, otherUrl: url === asked ? undefined : url };
}

/**
 * What a service answers, or without one the network: to the rewritten request, or without one to the request as it
 * came. Where there is no answer, or none in time: what `refuse` answers to the request, which began then, or if there
 * is no `refuse`, whether time has run out.
 *
 * The runtime's timers end with the request, so that nothing has to be cleared.
 */
export function ask(service, rewritten, isCached, milliseconds, refuse, request, began) {
  let input = request;
  let init;
  if (rewritten) {
    input = rewritten.input;
    init = rewritten.init;
  } else if (!isCached || request.redirect !== redirect) {
    init = { redirect };
  }
  if (!isCached) init.cache = "no-store";
  const answer = service ? service.fetch(input, init) : fetch(input, init);
  return new Promise((resolve) => {
    let isAwaited = true;
    const goWithout = (isLate = true) => {
      if (isAwaited) resolve(refuse ? Promise.try(refuse, request, began, isLate) : isLate);
      isAwaited = false;
    };
    answer.then(
      (response) => {
        isAwaited = false;
        resolve(response);
      },
      () => goWithout(false),
    );
    setTimeout(goWithout, milliseconds);
  });
}
