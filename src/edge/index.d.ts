// What wasm-bindgen generates for the Rust code. It exists only during a build.

/** The policies of a gate as JSON texts. */
export interface Given {
  policy: string;
  candidate: string | undefined;
}

export function handle(
  request: Request,
  env: Record<string, unknown>,
  context: ExecutionContext,
): Response | Promise<Response>;

export function handleBy(
  id: number,
  given: Given | undefined,
  authenticates: boolean,
  request: Request,
  env: Record<string, unknown>,
  context: ExecutionContext,
): object | Promise<object>;

export function prepare(id: number, given: Given | undefined, env: Record<string, unknown>): void;
