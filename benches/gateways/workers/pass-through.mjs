// The floor: a Worker that looks at nothing.

export default {
  fetch: (request, env) => env.ORIGIN.fetch(request),
};
