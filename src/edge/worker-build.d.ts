// The class that worker-build generates around the Rust handlers. It exists only after a build.

/** The policies of a gate as JSON texts. */
export interface Given {
  policy: string;
  candidate: string | undefined;
}

export default class Entrypoint {
  handle(
    request: Request,
    env: Record<string, unknown>,
    context: ExecutionContext,
  ): Response | Promise<Response>;

  handleBy(
    id: number,
    given: Given | undefined,
    authenticates: boolean,
    request: Request,
    env: Record<string, unknown>,
    context: ExecutionContext,
  ): object | Promise<object>;
}
