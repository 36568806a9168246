// The section that decodes a token and explains why the gate refuses it.

import { announce, byId, field, fill, h } from "./dom.js";
import { askWorker, canJudge, gate, inspect, judge, now, question, Unavailable } from "./gate.js";
import { kindOfKey, METHODS, questionWithKey, requestWith, samplePath } from "./question.js";
import { duration, fromNow, localTime, looksLikeMilliseconds, TIME_CLAIMS } from "./times.js";
import { decodeSegment, decodeToken, highlightToken, parseObject, renderJson } from "./token.js";
import { banner, focusVerdict, sentence, stepList, summary } from "./verdict.js";

/** @import { Fault, Inspection, Request, Verdict } from "../console/page.d.ts" */
/** @import { Context } from "./evidence.js" */
/** @import { JsonObject } from "./token.js" */
/** @import { Headline } from "./verdict.js" */

/** What was found in the pasted text. */
let found = /** @type {Inspection | null} */ (null);
/** The last text whose curl command was copied into the method and path fields. */
let takenFrom = "";
/**
 * Secrets that the user entered, by the names of their bindings.
 *
 * @type {Record<string, string>}
 */
const secrets = {};
/** The last request that was sent to the Worker, as JSON, and the Worker's verdict. */
let answered = /** @type {{request: string, verdict: Verdict} | null} */ (null);
/** What is currently shown. It is rendered again only if it changes. */
let rendered = "";
let renderedOutline = "";
let problem = /** @type {string | null} */ (null);

/** The token in the paste field, for the other sections. */
export const currentToken = () => found?.token ?? "";

/** Sets up the section. */
export function start() {
  for (const method of METHODS) field("inspect-method").append(h("option", {}, method));
  field("paste").addEventListener("input", read);
  for (const id of ["inspect-method", "inspect-path", "own-key", "own-encoding"])
    field(id).addEventListener("input", () => render());
  for (const radio of radios()) radio.addEventListener("change", () => render());
  byId("paste-clear").addEventListener("click", () => {
    show("");
    field("paste").focus();
  });
  setInterval(tick, 1000);
}

/**
 * Called when loading the facts or the compiled gate has succeeded or failed.
 *
 * @param {string | null} why why this page cannot check tokens
 */
export function refresh(why) {
  problem = why;
  const route =
    gate.routes.find(({ access, scopes }) => access === "required" && scopes.length === 0) ??
    gate.routes.find(({ access }) => access !== "public");
  const path = field("inspect-path");
  if (route && path.value === "/") {
    path.value = samplePath(route.path);
    if (route.methods.length > 0 && !route.methods.includes("GET"))
      field("inspect-method").value = route.methods[0] ?? "GET";
  }
  read();
}

/**
 * Puts a text into the paste field and checks it.
 *
 * @param {string} text
 * @param {string} [key] the key to check against instead of the policy
 */
export function show(text, key) {
  field("paste").value = text;
  if (key !== undefined) field("own-key").value = key;
  choose(key === undefined ? "policy" : "own");
  read();
}

const radios = () =>
  /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=against]")]);
const usesOwnKey = () => radios().some(({ checked, value }) => checked && value === "own");

/** @param {string} value */
function choose(value) {
  for (const radio of radios()) radio.checked = radio.value === value;
}

function read() {
  const text = field("paste").value;
  found = text.trim() === "" ? null : inspect(text);
  fill(byId("paste-paint"), ...highlightToken(text, found?.token ?? ""), "\n");
  byId("paste-clear").hidden = text === "";
  fill(byId("paste-note"), noteOn(text));
  if (found?.curl && takenFrom !== text) {
    takenFrom = text;
    field("inspect-method").value = METHODS.includes(found.curl.method) ? found.curl.method : "GET";
    field("inspect-path").value = pathOf(found.curl.url);
  }
  renderDecoded();
  render();
}

/**
 * The path and query of a URL, as they are written.
 *
 * @param {string} url
 */
const pathOf = (url) => url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/#.*$/, "") || "/";

/** @param {string} text */
function noteOn(text) {
  if (!found) return "";
  if (!found.token)
    return found.curl
      ? "A curl command without a token."
      : sentence(found.fault?.because ?? "No token was found");
  if (found.curl) return `Found in a curl command: ${found.curl.method} ${pathOf(found.curl.url)}`;
  return text.trim() === found.token ? "" : "Found one token in this text.";
}

/**
 * The request to check.
 *
 * @returns {Request}
 */
function request() {
  const method = field("inspect-method").value;
  const path = field("inspect-path").value || "/";
  const headers = found?.curl?.headers ?? found?.headers;
  if (headers) return { ...requestWith(null, method, path, ""), headers };
  return requestWith(gate.facts?.policy, method, path, currentToken());
}

/**
 * @param {Verdict} verdict
 * @returns {Context}
 */
function context(verdict) {
  const token = currentToken();
  return {
    token,
    ...decodeToken(token),
    now: now(),
    issuer: usesOwnKey() ? undefined : issuerOf(verdict),
    verdict,
  };
}

/** @param {Verdict} verdict */
const issuerOf = (verdict) =>
  gate.issuers.find(({ name }) => name === verdict.issuer) ?? onlyIssuer();

const onlyIssuer = () => (gate.issuers.length === 1 ? gate.issuers[0] : undefined);

function render() {
  byId("against-policy").hidden = usesOwnKey();
  byId("against-own").hidden = !usesOwnKey();
  byId("own-encoding-line").hidden =
    field("own-key").value.trim() === "" || kindOfKey(field("own-key").value) !== "secret";
  const next = outcome();
  const state = JSON.stringify([next, field("own-key").value, currentToken()]);
  if (state === rendered) return;
  rendered = state;
  renderedOutline = outline(next);
  const card = byId("inspect-verdict");
  const { headline, verdict, source } = next;
  if (!verdict) fill(card, banner(headline));
  else if (next.faults) fill(card, banner(headline, undefined, source), faultList(next.faults));
  else {
    const mayAsk = !usesOwnKey() && (verdict.verdict === "unknown" || secretName(verdict));
    fill(
      card,
      banner(headline, verdict.refusal?.code, source),
      mayAsk && askPanel(verdict),
      stepList(verdict, context(verdict)),
    );
  }
  announce(`${headline.title}. ${headline.detail}`);
}

/**
 * What the section shows. `source` says where the verdict comes from.
 *
 * @typedef {{headline: Headline, verdict?: Verdict, source?: string, faults?: Fault[]}} Outcome
 */

/** @returns {Outcome} */
function outcome() {
  if (!found)
    return {
      headline: {
        state: "idle",
        title: "Nothing to check yet",
        detail: "Paste a token to see each step of its verification, in the gate’s own order.",
      },
    };
  if (!found.token && !found.curl)
    return {
      headline: {
        state: "failed",
        title: "No token found",
        detail: sentence(found.fault?.because ?? ""),
      },
    };
  if (!usesOwnKey() && answered?.request === JSON.stringify(request()))
    return {
      headline: summary(answered.verdict),
      verdict: answered.verdict,
      source: "The gate’s own verdict",
    };
  if (!canJudge())
    return {
      headline: {
        state: "unknown",
        title: "Not checked",
        detail: problem ?? "The gate is loading.",
      },
    };
  return usesOwnKey() ? outcomeForOwnKey() : outcomeForPolicy();
}

/** @returns {Outcome} */
function outcomeForPolicy() {
  const facts = gate.facts;
  if (!facts)
    return {
      headline: {
        state: "unknown",
        title: "No policy to check against",
        detail: `${gate.problem ?? "The policy is loading."} You can check against your own key instead.`,
      },
    };
  if (facts.faults.length > 0 || !facts.policy)
    return {
      headline: {
        state: "failed",
        title: "Misconfigured",
        detail: "The policy has faults, so the gate answers every request with 500.",
      },
      verdict: { steps: [] },
      faults: facts.faults,
    };
  const verdict = judge(question(facts, request(), { bindings: secrets }));
  const misfit = verdict.faults?.[0];
  if (misfit)
    return {
      headline: {
        state: "unknown",
        title: "Unusable secret",
        detail: `The policy cannot use the secret that you entered: ${misfit.problem}.`,
      },
      verdict: { ...verdict, steps: [], issuer: onlyIssuer()?.name },
    };
  return {
    headline: summary(verdict),
    verdict,
    source: "Checked in this page against this gate’s policy",
  };
}

/** @returns {Outcome} */
function outcomeForOwnKey() {
  const text = field("own-key").value;
  if (text.trim() === "")
    return {
      headline: {
        state: "idle",
        title: "Which key?",
        detail: "Paste the public key, key set or secret that this token should be signed with.",
      },
    };
  const algorithm = decodeToken(currentToken()).header?.alg;
  const key = { kind: kindOfKey(text), text, encoding: field("own-encoding").value };
  const verdict = judge(
    questionWithKey(key, currentToken(), typeof algorithm === "string" ? algorithm : ""),
  );
  if (verdict.faults?.length)
    return {
      headline: {
        state: "failed",
        title: "This key cannot be used",
        detail: "The gate would reject it as well:",
      },
      verdict,
      faults: verdict.faults,
    };
  // The other steps would pass whatever the token contains.
  verdict.steps = verdict.steps?.filter(({ name }) => OWN_KEY_STEPS.includes(name));
  const headline = summary(verdict);
  return {
    headline:
      verdict.verdict === "admitted"
        ? {
            ...headline,
            title: "Signed with this key",
            detail:
              "The token is valid now. Unlike a gate, this does not check issuer and audience.",
          }
        : headline,
    verdict,
    source: "Checked in this page against your key",
  };
}

/** @param {Fault[]} faults */
export function faultList(faults) {
  return h(
    "ul",
    { class: "faults" },
    faults.map(({ path, problem, remedy }) =>
      h(
        "li",
        {},
        path !== "" && h("code", {}, path),
        h("p", {}, sentence(problem)),
        remedy && h("p", { class: "remedy" }, h("strong", {}, "What to do: "), sentence(remedy)),
      ),
    ),
  );
}

/** The steps that depend only on a key and on the format and the times of the token. */
const OWN_KEY_STEPS = ["found", "parsed", "key", "signature", "type", "time", "claims"];

/**
 * Returns the binding of the secret that decides, if the page does not have that secret.
 *
 * @param {Verdict} verdict
 */
function secretName(verdict) {
  const issuer = issuerOf(verdict);
  return issuer?.withheld ? issuer.names[0] : undefined;
}

/** @param {Verdict} verdict */
function askPanel(verdict) {
  const name = secretName(verdict);
  const note = h("p", { class: "note failed", role: "alert" });
  const button = h(
    "button",
    { type: "button", class: "primary", id: "ask" },
    "Send this token to the gate for its verdict",
  );
  button.addEventListener("click", async () => {
    const sent = request();
    button.setAttribute("aria-busy", "true");
    try {
      answered = { request: JSON.stringify(sent), verdict: await askWorker(sent) };
      render();
      focusVerdict("inspect-verdict");
    } catch (error) {
      note.textContent =
        error instanceof Unavailable ? error.message : "The gate’s response is malformed.";
    }
    button.removeAttribute("aria-busy");
  });
  return h(
    "div",
    { class: "ask" },
    h(
      "p",
      {},
      name
        ? [
            "This page does not have the secret ",
            h("code", {}, name),
            ". The gate has it and can give its own verdict. Nothing is forwarded to the origin.",
          ]
        : "The gate can give its own verdict. Nothing is forwarded to the origin.",
    ),
    h("div", { class: "actions" }, button),
    name && secretField(name),
    note,
  );
}

/** @param {string} name */
function secretField(name) {
  const input = h("input", {
    type: "password",
    id: "given-secret",
    autocomplete: "off",
    spellcheck: "false",
  });
  input.value = secrets[name] ?? "";
  const form = h(
    "form",
    { class: "line" },
    h(
      "label",
      { for: "given-secret" },
      "Or enter ",
      h("code", {}, name),
      ". It does not leave this page.",
    ),
    input,
    h("button", { type: "submit" }, "Check with it"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value === "") delete secrets[name];
    else secrets[name] = input.value;
    answered = null;
    render();
    byId("given-secret").focus();
  });
  return form;
}

function renderDecoded() {
  if (!found?.token) return fill(byId("decoded"));
  const [header, body] = currentToken().split(".");
  const claims = decodeSegment(body ?? "");
  fill(
    byId("decoded"),
    jsonCard("Header", "header", decodeSegment(header ?? "")),
    jsonCard("Claims", "claims", claims, lifetime(parseObject(claims.text))),
  );
}

/**
 * @param {string} title
 * @param {string} kind
 * @param {ReturnType<typeof decodeSegment>} segment
 * @param {Node | null} [above] shown above the JSON
 */
function jsonCard(title, kind, segment, above = null) {
  return h(
    "div",
    { class: `card json-card ${kind}` },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, title),
      h("span", { class: "aside" }, segment.problem ?? `${segment.bytes} bytes`),
    ),
    above,
    segment.text !== undefined && renderJson(segment.text, timeRemark),
  );
}

/**
 * The date beside a claim that is a time.
 *
 * @param {string[]} path
 * @param {string} raw
 */
function timeRemark(path, raw) {
  const seconds = Number(raw);
  const name = path[0] ?? "";
  if (
    path.length !== 1 ||
    !TIME_CLAIMS.has(name) ||
    !/^-?\d/.test(raw) ||
    !Number.isFinite(seconds)
  )
    return null;
  if (looksLikeMilliseconds(seconds))
    return h("span", { class: "remark wrong" }, "probably milliseconds instead of seconds");
  const date = localTime(seconds);
  return date === undefined
    ? null
    : h(
        "span",
        { class: "remark" },
        `${date}, `,
        h("span", { "data-seconds": seconds }, fromNow(seconds - now() / 1000)),
      );
}

/**
 * Shows how much of a token's lifetime has passed.
 *
 * @param {JsonObject | null} claims
 */
function lifetime(claims) {
  const { exp, iat, nbf } = claims ?? {};
  const from = typeof iat === "number" ? iat : nbf;
  if (
    typeof exp !== "number" ||
    typeof from !== "number" ||
    exp <= from ||
    looksLikeMilliseconds(exp)
  )
    return null;
  const meter = h("progress", {
    max: exp - from,
    value: elapsed(from, exp),
    "data-from": from,
    "data-exp": exp,
    "aria-label": "Elapsed part of the token’s lifetime",
  });
  return h(
    "div",
    { class: "lifetime" },
    meter,
    h(
      "p",
      { class: "note" },
      `Valid for ${duration(exp - from)}; ${exp * 1000 > now() ? "expires" : "expired"} `,
      h("span", { "data-seconds": exp }, fromNow(exp - now() / 1000)),
      ".",
    ),
  );
}

/**
 * The seconds of a lifetime that have passed.
 *
 * @param {number} from
 * @param {number} exp
 */
const elapsed = (from, exp) => Math.min(Math.max(now() / 1000 - from, 0), exp - from);

/** Once a second, updates everything that depends on the time. */
function tick() {
  if (document.hidden || byId("inspect").hidden) return;
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll("[data-seconds]")
  )) {
    const text = fromNow(Number(one.dataset.seconds) - now() / 1000);
    if (one.textContent !== text) one.textContent = text;
  }
  for (const one of /** @type {NodeListOf<HTMLProgressElement>} */ (
    document.querySelectorAll("progress[data-exp]")
  )) {
    one.value = elapsed(Number(one.dataset.from), Number(one.dataset.exp));
  }
  if (found && outline(outcome()) !== renderedOutline) render();
}

/**
 * The part of an outcome whose change makes `tick` render again. Rendering closes what the user has
 * opened and discards what they have typed.
 *
 * @param {Outcome} outcome
 */
const outline = ({ headline, verdict }) =>
  JSON.stringify([headline.title, verdict?.steps?.map(({ state }) => state)]);
