import { Hono } from "hono";
import { createGate } from "portcullis";
import { portcullis } from "portcullis/hono";
import { policy } from "./policy";

interface Env {
  Bindings: { TOKEN_SECRET: string };
}

const app = new Hono<Env>();

app.use(portcullis(createGate({ policy })));

app.get("/", (c) => c.text("notes"));

app.get("/notes/:id", (c) => {
  const { claims, scopes } = c.var.identity;
  return c.json({ id: c.req.param("id"), subject: claims?.sub, scopes });
});

app.delete("/notes/:id", (c) => c.json({ deleted: c.req.param("id") }));

export default app;
