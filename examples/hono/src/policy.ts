import type { Policy } from "portcullis";

export const policy = {
  issuers: [
    {
      name: "login",
      issuer: "https://login.example.com/",
      audience: "https://notes.example.com",
      algorithms: ["HS256"],
      keys: { secret: "TOKEN_SECRET" },
    },
  ],
  routes: [
    { path: "/", access: "public" },
    { path: "/notes/{id}", methods: ["GET"], scopes: ["notes:read"] },
    { path: "/notes/{id}", methods: ["DELETE"], scopes: ["notes:write"] },
  ],
} satisfies Policy;
