// Renders the verdict on a request: the gate as a picture, the reason, and the steps.

import { byId, h, icon, svg } from "./dom.js";
import { evidence, STEPS } from "./evidence.js";
import { withVisibleCharacters } from "./token.js";

/** @import { Context } from "./evidence.js" */
/** @import { Answer, Step, Verdict } from "../console/page.d.ts" */
/** @typedef {{state: string, title: string, detail: string}} Headline */

/** @type {Record<string, string>} */
const STATES = {
  passed: "passed",
  failed: "failed",
  unknown: "unknown",
  skipped: "skipped",
  not_reached: "not reached",
};

/**
 * Sums up a verdict.
 *
 * @param {Verdict} verdict
 * @returns {Headline}
 */
export function summary(verdict) {
  const { refusal, answer, route, reported } = verdict;
  if (verdict.faults && verdict.faults.length > 0)
    return {
      state: "failed",
      title: "Misconfigured",
      detail: "The policy has faults, so the gate answers every request with 500.",
    };
  if (verdict.verdict === "refused" && refusal)
    return {
      state: "failed",
      title: `Refused with ${refusal.status}`,
      detail: sentence(refusal.because),
    };
  if (verdict.verdict === "answered" && answer)
    return {
      state: "passed",
      title: `Answered with ${answer.status}`,
      detail: "The gate answers by itself and does not contact the origin.",
    };
  if (reported)
    return {
      state: "unknown",
      title: "Admitted and reported",
      detail: `Without report mode it would be refused. ${sentence(reported.because)}`,
    };
  if (verdict.verdict === "admitted")
    return {
      state: "passed",
      title: "Admitted",
      detail:
        route?.access === "public"
          ? "The route is public, so the gate does not look at tokens."
          : "Every step passed. The request is forwarded to the origin.",
    };
  return {
    state: "unknown",
    title: "Not known yet",
    detail: sentence(
      verdict.steps?.find(({ state }) => state === "unknown")?.because ??
        "Only the gate has what is needed to decide",
    ),
  };
}

/**
 * Capitalizes a text, unless it begins with the name of a claim or header parameter, and ends it
 * with a period.
 *
 * @param {string} text
 */
export const sentence = (text) => {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const isName = /^(acr|alg|aud|auth_time|b64|cnf|crit|exp|iat|iss|kid|nbf|sub|typ)\b/.test(
    trimmed,
  );
  return `${isName ? trimmed[0] : trimmed[0]?.toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? "" : "."}`;
};

/**
 * Draws the gate closed, open or half open.
 *
 * @param {string} state
 */
function gatePicture(state) {
  const bars = [18, 28, 38, 48, 58].map((x) => `M${x} 4V70l-3 5M${x} 70l3 5`).join("");
  return svg(
    "svg",
    { viewBox: "0 0 76 84", class: `gate gate-${state}`, "aria-hidden": "true" },
    svg(
      "defs",
      {},
      svg("clipPath", { id: "gate-opening" }, svg("path", { d: "M10 82V36a28 28 0 0 1 56 0v46z" })),
    ),
    svg("path", { class: "gate-inside", d: "M10 82V36a28 28 0 0 1 56 0v46z" }),
    svg(
      "g",
      { "clip-path": "url(#gate-opening)" },
      svg("g", { class: "gate-bars" }, svg("path", { d: `${bars}M8 22h60M8 40h60M8 58h60` })),
    ),
    svg("path", { class: "gate-arch", d: "M6 82V36a32 32 0 0 1 64 0v46M2 82h10M64 82h10" }),
  );
}

/**
 * The head of a verdict's card.
 *
 * @param {Headline} headline
 * @param {string} [code]
 * @param {string} [source] says where the verdict comes from
 */
export function banner({ state, title, detail }, code, source) {
  return h(
    "div",
    { class: `banner ${state}` },
    gatePicture(state),
    h(
      "div",
      { class: "banner-text" },
      source && h("p", { class: "by" }, source),
      h("h2", { tabindex: "-1" }, title, code && h("code", { class: "code" }, code)),
      h("p", {}, detail),
    ),
  );
}

/**
 * Moves the focus to the verdict after the button that requested it has been replaced.
 *
 * @param {string} card the ID of the verdict's card
 */
export function focusVerdict(card) {
  byId(card).querySelector("h2")?.focus();
}

/**
 * The steps, each with its outcome.
 *
 * @param {Verdict} verdict
 * @param {Context} context
 */
export function stepList(verdict, context) {
  return h(
    "ol",
    { class: "steps" },
    (verdict.steps ?? []).map((step) => stepItem(step, context)),
  );
}

/**
 * @param {Step} step
 * @param {Context} context
 */
function stepItem(step, context) {
  const [title, question] = STEPS[step.name] ?? [step.name, ""];
  const { token, gate, hint } = evidence(step.name, context);
  const isOpen = step.state === "failed" || step.state === "unknown";
  const wasChecked = isOpen || step.state === "passed";
  const short = step.detail ? h("span", {}, ...withVisibleCharacters(step.detail)) : question;
  const rows = [
    ...(typeof token === "string" ? [comparedRow("Token", token)] : []),
    ...(typeof gate === "string" ? [comparedRow("Gate", gate)] : []),
  ];
  return h(
    "li",
    { class: `step ${step.state}`, "data-step": step.name, "data-state": step.state },
    icon(step.state),
    h(
      "div",
      { class: "step-body" },
      h(
        "h3",
        {},
        title,
        h("span", { class: "state" }, STATES[step.state] ?? step.state),
        step.code && h("code", { class: "code" }, step.code),
      ),
      step.because && isOpen
        ? h("p", { class: "because" }, sentence(step.because))
        : wasChecked && rows.length > 0
          ? h("details", {}, h("summary", {}, short), h("dl", { class: "compared" }, rows))
          : h("p", { class: "question" }, short),
      isOpen &&
        step.remedy &&
        h("p", { class: "remedy" }, h("strong", {}, "What to do: "), sentence(step.remedy)),
      step.state === "failed" && hint && h("p", { class: "hint" }, h("strong", {}, "Hint: "), hint),
      isOpen && rows.length > 0 && h("dl", { class: "compared" }, rows),
    ),
  );
}

/**
 * @param {string} label
 * @param {string} value
 */
function comparedRow(label, value) {
  const lines = value
    .split("\n")
    .flatMap((line, index) => [index > 0 && h("br"), ...withVisibleCharacters(line)]);
  return h("div", {}, h("dt", {}, label), h("dd", {}, lines));
}

/**
 * An HTTP response with its status, headers and body.
 *
 * @param {Answer} answer
 */
export function wireAnswer({ status, headers, body }) {
  return h(
    "pre",
    { class: "wire", tabindex: "0" },
    h(
      "code",
      {},
      h("span", { class: "wire-status" }, `HTTP ${status}`),
      "\n",
      headers.map((line) => headerLine(line)),
      body
        ? [
            "\n",
            ...body
              .split("\n")
              .flatMap((line, index) => [index > 0 ? "\n" : "", ...withVisibleCharacters(line)]),
          ]
        : null,
    ),
  );
}

/**
 * @param {[name: string, value: string]} line
 * @param {string} [mark] a CSS class
 */
export function headerLine([name, value], mark = "") {
  return h(
    "span",
    { class: `wire-line ${mark}` },
    h("span", { class: "wire-name" }, name),
    ": ",
    ...withVisibleCharacters(value),
    "\n",
  );
}
