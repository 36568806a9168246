// Hono's own middleware: `jwt` for secrets, `jwk` for public keys.

import { Hono } from "hono";
import { jwk } from "hono/jwk";
import { jwt } from "hono/jwt";

let app;

function make({ ALGORITHM, AUDIENCE, ISSUER, JWK, SECRET }) {
  const verification = { aud: AUDIENCE, iss: ISSUER };
  const guard = SECRET
    ? jwt({ alg: ALGORITHM, secret: SECRET, verification })
    : jwk({ alg: [ALGORITHM], keys: [JWK], verification });
  return new Hono().use(guard).all("*", (context) => context.env.ORIGIN.fetch(context.req.raw));
}

export default {
  fetch(request, env, context) {
    app ??= make(env);
    return app.fetch(request, env, context);
  },
};
