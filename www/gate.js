// Access to the gate: the Worker that served this page, and the same gate compiled for the browser.

/** @import { Facts, GateModule, Inspection, Issuer } from "../console/page.d.ts" */
/** @import { Question, Request, Route, Verdict } from "../console/page.d.ts" */

const at = (/** @type {string} */ name) => new URL(name, import.meta.url);

/** Something is unavailable. The message tells the user why. */
export class Unavailable extends Error {}

/**
 * What is known about the gate.
 *
 * @typedef {object} Gate
 * @property {Facts | null} facts What the Worker reports.
 * @property {string | null} problem Why there are no facts.
 * @property {number} offset The Worker's clock minus this machine's, in milliseconds.
 * @property {Issuer[]} issuers As the compiled gate reads them from the facts.
 * @property {Route[]} routes As the compiled gate reads them from the facts.
 */

/** @type {Gate} */
export const gate = { facts: null, problem: null, offset: 0, issuers: [], routes: [] };

/** @type {GateModule | null} */
let compiled = null;

/** Whether this page can check tokens. */
export const canJudge = () => compiled !== null;

/** Fetches the facts about the gate. Sets `gate.problem` on failure. */
export async function loadFacts() {
  gate.problem = null;
  try {
    const facts = /** @type {Facts} */ (
      await jsonOf(await fetch(at("gate.json"), { cache: "no-store" }))
    );
    gate.facts = facts;
    gate.offset = facts.now - Date.now();
  } catch (error) {
    gate.facts = null;
    gate.problem = error instanceof Unavailable ? error.message : "The gate does not respond.";
  }
}

/** Fills in the issuers and routes once both the facts and the compiled gate are loaded. */
export function describe() {
  const described =
    compiled && gate.facts?.policy
      ? compiled.describe(question(gate.facts, ANY_REQUEST), now())
      : undefined;
  gate.issuers = described?.issuers ?? [];
  gate.routes = described?.routes ?? [];
}

/** @type {Request} */
const ANY_REQUEST = { method: "GET", url: `${location.origin}/`, headers: [] };

/**
 * Builds the question for the verdict on a request under the gate's policy and keys. Members of
 * `more` replace those of the facts.
 *
 * @param {Facts} facts
 * @param {Request} request
 * @param {Partial<Question>} [more]
 * @returns {Question}
 */
export const question = (facts, request, more = {}) => ({ ...facts, ...request, ...more });

/**
 * Loads the gate that was compiled for the browser. Returns the reason on failure.
 *
 * @returns {Promise<string | null>}
 */
export async function loadCompiled() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly.";
  try {
    const module = /** @type {GateModule} */ (await import(at("portcullis.js").href));
    await module.default();
    compiled = module;
    return null;
  } catch (error) {
    return error instanceof WebAssembly.CompileError
      ? "This browser is too old for the gate’s WebAssembly."
      : "The gate’s WebAssembly could not be loaded.";
  }
}

/** The time by the gate's clock, in milliseconds. */
export const now = () => Date.now() + gate.offset;

/**
 * Returns the verdict of the gate in this page. Throws if the question is malformed.
 *
 * @param {Question} asked
 */
export function judge(asked) {
  if (!compiled) throw new Unavailable("The gate’s WebAssembly is not loaded.");
  return compiled.judge(asked, now());
}

/**
 * Finds the token in a text. Without the compiled gate, only a bare token is found.
 *
 * @param {string} text
 * @returns {Inspection}
 */
export function inspect(text) {
  if (compiled) return compiled.inspect(text);
  const token = /[\w-]+\.[\w-]+\.[\w-]*/.exec(text)?.[0];
  return token ? { token } : { fault: { code: "missing_token", because: "no token was found" } };
}

/**
 * Asks the Worker for its verdict, which takes its secrets and the revocations into account. This
 * sends the token to the Worker.
 *
 * @param {Request} request
 * @returns {Promise<Verdict>}
 */
export async function askWorker(request) {
  const answered = await post("judge", request);
  if (!gate.facts) throw new Unavailable("The gate does not respond.");
  return judge(question(gate.facts, request, { answered }));
}

/**
 * Has the Worker sign a token with its demo secret.
 *
 * @param {{issuer?: string, claims: Record<string, unknown>}} wanted
 */
export async function mintAtGate(wanted) {
  const { token } = /** @type {{token: string}} */ (await post("mint", wanted));
  return token;
}

/**
 * @param {string} name
 * @param {object} body
 */
async function post(name, body) {
  let response;
  try {
    response = await fetch(at(name), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    throw new Unavailable("The gate does not respond.");
  }
  return jsonOf(response);
}

/**
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function jsonOf(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const why = body?.detail ?? body?.title;
  throw new Unavailable(`The gate responds with ${response.status}${why ? `: ${why}` : ""}.`);
}
