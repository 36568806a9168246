// The origin behind every gateway. It answers with as little work as possible.

/** @type {ExportedHandler} */
export default {
  fetch: () => new Response("ok"),
};
