// @tsndr/cloudflare-worker-jwt checks signature and times; issuer and audience are left to its user.

import { verify } from "@tsndr/cloudflare-worker-jwt";
import { verificationKey } from "./key.mjs";

export default {
  async fetch(request, env) {
    const token = /^Bearer (\S+)$/.exec(request.headers.get("Authorization") ?? "")?.[1];
    const key = await verificationKey(env);
    const verified = await verify(token, key, {
      algorithm: env.ALGORITHM,
      clockTolerance: 60,
    }).catch(() => undefined);
    const { aud, exp, iss } = verified?.payload ?? {};
    if (iss !== env.ISSUER || aud !== env.AUDIENCE || exp === undefined) {
      return new Response(null, { status: 401, headers: { "WWW-Authenticate": "Bearer" } });
    }
    return env.ORIGIN.fetch(request);
  },
};
