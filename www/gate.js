// The gate that served this page, and the same gate compiled for the browser.

/**
 * @typedef {{path: string, problem: string, remedy: string}} Fault
 * @typedef {{name: string, kid?: string, kind: string, bits?: number, algorithms: string[], thumbprint?: string}} Key
 * @typedef {{name: string, issuer: string[], audience: string[], algorithms: string[], source: string, names: string[],
 *   withheld: boolean, url?: string, service?: string, mode: string, leeway: number, age_seconds?: number,
 *   refresh_seconds?: number, keys: Key[], skipped: {index: number, why: string}[]}} Issuer
 * @typedef {{path: string, methods: string[], access: string, issuers: string[], scopes: string[], any_scope: string[],
 *   roles: string[], any_role: string[], claims: string[], acr: string[], max_auth_age?: number, mode: string}} Route
 * @typedef {{now: number, version: string, mint: boolean, policy: any, faults: Fault[], warnings: Fault[], secrets: string[],
 *   keys: object}} Facts what gate.json holds
 *
 * @typedef {{method: string, url: string, headers: [string, string][]}} Request
 * @typedef {{name: string, state: "passed" | "failed" | "not_reached" | "unknown" | "skipped", detail?: string,
 *   code?: string, because?: string, remedy?: string}} Step
 * @typedef {{code: string, because: string, remedy?: string}} Reason
 * @typedef {Reason & {status: number, headers: [string, string][], body: string}} Refusal
 * @typedef {{faults?: Fault[], warnings?: Fault[], answer?: {status: number, headers: [string, string][], body: string},
 *   verdict: "admitted" | "refused" | "answered" | "unknown", route?: Route, issuer?: string, alg?: string, key?: string, source?: string,
 *   steps: Step[], refusal?: Refusal, reported?: Reason, outgoing?: {url: string, remove: string[], set: [string, string][]}}} Verdict
 */

const at = (/** @type {string} */ name) => new URL(name, import.meta.url);

/** Why something is not there, in words for the reader. */
export class Unavailable extends Error {}

/**
 * `facts` are the Worker's own words; `issuers` and `routes` are what the compiled gate reads out of them.
 *
 * @type {{facts: Facts | null, problem: string | null, offset: number, issuers: Issuer[], routes: Route[]}}
 */
export const gate = { facts: null, problem: null, offset: 0, issuers: [], routes: [] };

/** @type {{judge: (question: object, now: number) => Verdict, describe: (question: object, now: number) => any, inspect: (text: string) => any} | null} */
let compiled = null;

/** Whether tokens can be judged in this page. */
export const canJudge = () => compiled !== null;

/** Reads what the gate says of itself. Leaves the reason in `gate.problem` where it cannot. */
export async function loadFacts() {
  gate.problem = null;
  try {
    gate.facts = await answered(await fetch(at("gate.json"), { cache: "no-store" }));
    gate.offset = (gate.facts?.now ?? Date.now()) - Date.now();
  } catch (error) {
    gate.facts = null;
    gate.problem = error instanceof Unavailable ? error.message : "The gate does not answer.";
  }
}

/** Makes the tables of issuers and routes, once there are both facts and the compiled gate. */
export function describe() {
  const described =
    compiled && gate.facts?.policy ? compiled.describe(about(gate.facts, ANY_REQUEST), now()) : {};
  gate.issuers = described.issuers ?? [];
  gate.routes = described.routes ?? [];
}

const ANY_REQUEST = { method: "GET", url: `${location.origin}/`, headers: [] };

/**
 * A question about a request, by the policy and the keys of the gate, or by others in their place.
 *
 * @param {object} facts @param {object} request @param {object} [more]
 */
export const about = (facts, request, more = {}) => ({ ...facts, ...request, ...more });

/** Loads the gate that was compiled for the browser; says why where that fails. @returns {Promise<string | null>} */
export async function loadCompiled() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly.";
  try {
    const module = await import(at("portcullis.js").href);
    await module.default();
    compiled = module;
    return null;
  } catch (error) {
    const old = error instanceof WebAssembly.CompileError;
    return old
      ? "This browser is too old for the gate’s WebAssembly."
      : "The gate’s WebAssembly could not be loaded.";
  }
}

/** The time by the gate's clock, in milliseconds. */
export const now = () => Date.now() + gate.offset;

/** The verdict of the gate that runs in this page; throws where the question has the wrong shape. @param {object} question */
export function judge(question) {
  if (!compiled) throw new Unavailable("The gate’s WebAssembly is not loaded.");
  return compiled.judge(question, now());
}

/**
 * Finds the token in what was pasted: as the compiled gate does, or, without it, a bare one.
 *
 * @param {string} text
 * @returns {{token?: string, fault?: {code: string, because: string},
 *   curl?: {method?: string, url: string, headers: [string, string][]}}}
 */
export function inspect(text) {
  if (compiled) return compiled.inspect(text);
  const token = /[\w-]+\.[\w-]+\.[\w-]*/.exec(text)?.[0];
  return token ? { token } : { fault: { code: "missing_token", because: "no token is in it" } };
}

/**
 * The Worker's own verdict, with its secrets and what it knows of revocations: this sends the token.
 *
 * @param {Request} request @returns {Promise<Verdict>}
 */
export async function ask(request) {
  const answered = await post("judge", request);
  return judge(about(gate.facts ?? {}, request, { answered }));
}

/** A token signed by the Worker with its demo secret. @param {object} wanted @returns {Promise<string>} */
export const mintAtGate = async (wanted) => (await post("mint", wanted)).token;

/** @param {string} name @param {object} body */
async function post(name, body) {
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(at(name), { ...init, cache: "no-store" });
  } catch {
    throw new Unavailable("The gate does not answer.");
  }
  return answered(response);
}

/** @param {Response} response @returns {Promise<any>} */
async function answered(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const why = body?.detail ?? body?.title;
  throw new Unavailable(`The gate answers with ${response.status}${why ? `: ${why}` : ""}.`);
}
