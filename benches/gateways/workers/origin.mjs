// The API behind every gateway: the least that answers.

export default {
  fetch: () => new Response("ok"),
};
