// What wasm-bindgen generates for the Rust code. It exists only during a build.

export function handle(
  request: Request,
  env: Record<string, unknown>,
  context: ExecutionContext,
): Response | Promise<Response>;
