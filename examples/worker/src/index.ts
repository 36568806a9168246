import { authenticate } from "portcullis";

export default {
  async fetch(request, env, context) {
    const identity = await authenticate(request, env, context);
    if (identity instanceof Response) return identity;
    return Response.json({
      route: identity.route,
      subject: identity.claims?.sub ?? null,
      scopes: identity.scopes,
    });
  },
} satisfies ExportedHandler;
