// The floor: a Worker that looks at nothing.

export default {
  fetch: (request) => fetch(request),
};
