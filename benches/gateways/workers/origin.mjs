// The origin behind every gateway. It answers with as little work as possible. It is also the
// introspection endpoint (RFC 7662) of the gate that is sent opaque tokens.

import { AUDIENCE, ISSUER } from "../claims.mjs";

/** @type {ExportedHandler} */
export default {
  fetch: (request) => (request.method === "POST" ? introspect(request) : new Response("ok")),
};

/** @param {Request} request */
async function introspect(request) {
  const form = new URLSearchParams(await request.text());
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: "user", iat: now, exp: now + 21_600 };
  const isActive = form.get("token")?.startsWith("active-");
  return Response.json(
    isActive ? { active: true, scope: "read write", ...claims } : { active: false },
  );
}
