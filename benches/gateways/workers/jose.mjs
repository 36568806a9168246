// jose as its documentation recommends.

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
    return env.IS_API ? Response.json({ subject }) : env.ORIGIN.fetch(request);
  },
};
