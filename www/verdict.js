// The verdict on a request: the gate that opens or not, why, and the way there step by step.

import { byId, h, icon, svg } from "./dom.js";
import { evidence, STEPS } from "./evidence.js";
import { visible } from "./token.js";

/** @typedef {import("./gate.js").Verdict} Verdict @typedef {import("./evidence.js").Context} Context */

/** @type {Record<string, string>} */
const STATES = {
  passed: "passed",
  failed: "failed",
  unknown: "not known here",
  skipped: "not asked",
  not_reached: "not reached",
};

/** What to say first. @param {Verdict} verdict @returns {{state: string, title: string, detail: string}} */
export function summary(verdict) {
  const { refusal, answer, route, reported } = verdict;
  if (verdict.faults && verdict.faults.length > 0)
    return {
      state: "failed",
      title: "Misconfigured",
      detail: "The policy has faults, so every request is answered with 500.",
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
      detail: "By the gate itself: the origin is not asked.",
    };
  if (reported)
    return {
      state: "unknown",
      title: "Let through, and reported",
      detail: `The route only reports: enforced, it would refuse. ${sentence(reported.because)}`,
    };
  if (verdict.verdict === "admitted")
    return {
      state: "passed",
      title: "Admitted",
      detail:
        route?.access === "public"
          ? "The route is public: no token is looked at."
          : "Every step passed. The request goes on to the origin.",
    };
  return {
    state: "unknown",
    title: "Not known yet",
    detail: sentence(
      verdict.steps?.find(({ state }) => state === "unknown")?.because ??
        "What decides is known to the gate alone",
    ),
  };
}

/** @param {string} text */
export const sentence = (text) => {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const isName = /^(acr|alg|aud|auth_time|b64|cnf|crit|exp|iat|iss|kid|nbf|sub|typ)\b/.test(
    trimmed,
  );
  return `${isName ? trimmed[0] : trimmed[0]?.toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? "" : "."}`;
};

/** The gate as a picture: down, up, or half way. @param {string} state */
export function gatePicture(state) {
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

/** The head of a verdict's card. @param {{state: string, title: string, detail: string}} said @param {string} [code] @param {string} [by] */
export function banner({ state, title, detail }, code, by) {
  return h(
    "div",
    { class: `banner ${state}` },
    gatePicture(state),
    h(
      "div",
      { class: "banner-text" },
      by && h("p", { class: "by" }, by),
      h("h2", { tabindex: "-1" }, title, code && h("code", { class: "code" }, code)),
      h("p", {}, detail),
    ),
  );
}

/** Leads to the verdict whoever pressed a button that is gone with the one before. @param {string} card its id */
export function focusVerdict(card) {
  byId(card).querySelector("h2")?.focus();
}

/** The steps, each with how it went. @param {Verdict} verdict @param {Context} context */
export function stepList(verdict, context) {
  return h(
    "ol",
    { class: "steps" },
    (verdict.steps ?? []).map((step) => stepItem(step, context)),
  );
}

/** @param {import("./gate.js").Step} step @param {Context} context */
function stepItem(step, context) {
  const [title, question] = STEPS[step.name] ?? [step.name, ""];
  const { token, gate, hint } = evidence(step.name, context);
  const isOpen = step.state === "failed" || step.state === "unknown";
  const wasJudged = isOpen || step.state === "passed";
  const short = step.detail ? h("span", {}, ...visible(step.detail)) : question;
  const rows = [
    typeof token === "string" && compared("Token", token),
    typeof gate === "string" && compared("Gate", gate),
  ].filter(Boolean);
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
        : wasJudged && rows.length > 0
          ? h("details", {}, h("summary", {}, short), h("dl", { class: "compared" }, rows))
          : h("p", { class: "question" }, short),
      isOpen &&
        step.remedy &&
        h("p", { class: "remedy" }, h("strong", {}, "What to do: "), sentence(step.remedy)),
      step.state === "failed" && hint && h("p", { class: "hint" }, h("strong", {}, "Look: "), hint),
      isOpen && rows.length > 0 && h("dl", { class: "compared" }, rows),
    ),
  );
}

/** @param {string} label @param {string} value */
function compared(label, value) {
  const lines = value
    .split("\n")
    .flatMap((line, index) => [index > 0 && h("br"), ...visible(line)]);
  return h("div", {}, h("dt", {}, label), h("dd", {}, lines));
}

/** An HTTP answer as it goes over the wire. @param {{status: number, headers: [string, string][], body: string | null}} answer */
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
            ...body.split("\n").flatMap((line, index) => [index > 0 ? "\n" : "", ...visible(line)]),
          ]
        : null,
    ),
  );
}

/** @param {[string, string]} line @param {string} [mark] */
export function headerLine([name, value], mark = "") {
  return h(
    "span",
    { class: `wire-line ${mark}` },
    h("span", { class: "wire-name" }, name),
    ": ",
    ...visible(value),
    "\n",
  );
}
