// @tsndr/cloudflare-worker-jwt checks the signature and the times. Its users check issuer and
// audience themselves.

import { verify } from "@tsndr/cloudflare-worker-jwt";
import { verificationKey } from "./key.mjs";

/** @import { JwtAlgorithm } from "@tsndr/cloudflare-worker-jwt" */
/** @import { Env } from "./key.mjs" */

/** @type {ExportedHandler<Env>} */
export default {
  async fetch(request, env) {
    const token = /^Bearer (\S+)$/.exec(request.headers.get("Authorization") ?? "")?.[1] ?? "";
    const key = await verificationKey(env);
    const algorithm = /** @type {JwtAlgorithm} */ (env.ALGORITHM);
    const options = { algorithm, clockTolerance: 60 };
    const verified = await verify(token, key, options).catch(() => undefined);
    const { aud, exp, iss } = verified?.payload ?? {};
    if (iss !== env.ISSUER || aud !== env.AUDIENCE || exp === undefined) {
      return new Response(null, { status: 401, headers: { "WWW-Authenticate": "Bearer" } });
    }
    return env.ORIGIN.fetch(request);
  },
};
