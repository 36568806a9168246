// jose as its documentation recommends. To another host, it forwards as Cloudflare's documentation
// does, with the subject as a header.

import { jwtVerify } from "jose";
import { verificationKey } from "./key.mjs";

/** @import { Env } from "./key.mjs" */

/** @type {ExportedHandler<Env>} */
export default {
  async fetch(request, env) {
    const token = /^Bearer (\S+)$/.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";
    let subject;
    try {
      const { payload } = await jwtVerify(token, await verificationKey(env), {
        algorithms: [env.ALGORITHM],
        audience: env.AUDIENCE,
        clockTolerance: 60,
        issuer: env.ISSUER,
        requiredClaims: ["exp"],
      });
      subject = payload.sub;
    } catch {
      return new Response(null, { status: 401, headers: { "WWW-Authenticate": "Bearer" } });
    }
    if (env.IS_API) return Response.json({ subject });
    if (env.HOST === undefined) return env.ORIGIN.fetch(request);
    const url = new URL(request.url);
    url.host = env.HOST;
    const forwarded = new Request(url, request);
    forwarded.headers.set("X-Auth-Subject", subject ?? "");
    return fetch(forwarded);
  },
};
