// What jose's own documentation has people write.

import { jwtVerify } from "jose";
import { verificationKey } from "./key.mjs";

export default {
  async fetch(request, env) {
    const token = /^Bearer (\S+)$/.exec(request.headers.get("Authorization") ?? "")?.[1];
    try {
      await jwtVerify(token, await verificationKey(env), {
        algorithms: [env.ALGORITHM],
        audience: env.AUDIENCE,
        clockTolerance: 60,
        issuer: env.ISSUER,
        requiredClaims: ["exp"],
      });
    } catch {
      return new Response(null, { status: 401, headers: { "WWW-Authenticate": "Bearer" } });
    }
    return env.ORIGIN.fetch(request);
  },
};
