/** The gate as a Worker: `export { default } from "portcullis"`. */
declare const gate: {
  /** Responds to a request: forwards it if the policy in `env.POLICY` admits it, or refuses it. */
  fetch(request: Request, env: unknown, context: unknown): Promise<Response>;
};
export default gate;
export type * from "./policy.js";
