// An API that is a Worker itself, and asks the gate who a request is from.

// @ts-ignore: the gate, as it was built
import { authenticate } from "portcullis";

/** @type {ExportedHandler} */
export default {
  async fetch(request, env, context) {
    const identity = await authenticate(request, env, context);
    if (identity instanceof Response) return identity;
    return Response.json({ subject: identity.claims?.sub });
  },
};
