// The class that worker-build generates around the Rust handler. It exists only after a build.

export default class Entrypoint {
  handle(
    request: Request,
    env: Record<string, unknown>,
    context: ExecutionContext,
  ): Response | Promise<Response>;
}
