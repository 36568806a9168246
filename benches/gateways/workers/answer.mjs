// An API that is a Worker itself, and checks nothing.

/** @type {ExportedHandler} */
export default {
  fetch() {
    return Response.json({ subject: "user" });
  },
};
