// The section that tries a request: the matching route, what the origin would receive, and the
// response.

import { announce, byId, copy, field, fill, h } from "./dom.js";
import { describeRequirements } from "./evidence.js";
import { askWorker, canJudge, gate, judge, now, question, Unavailable } from "./gate.js";
import { asCurl, METHODS, requestWith, samplePath } from "./question.js";
import { decodeToken, withVisibleCharacters } from "./token.js";
import { banner, focusVerdict, headerLine, stepList, summary, wireAnswer } from "./verdict.js";

/** @import { Answer, HeaderList, Request, Route, Verdict } from "../console/page.d.ts" */
/** @import { Context } from "./evidence.js" */

/** How much of a response body is shown. */
const SHOWN_CHARACTERS = 20_000;

/** The last request whose verdict the Worker gave, as JSON, and that verdict. */
let answered = /** @type {{request: string, verdict: Verdict} | null} */ (null);
/** The last request that was sent through the gate, as JSON, and the response. */
let sentThrough = /** @type {{request: string, answer: Answer} | null} */ (null);

/** Sets up the section. */
export function start() {
  for (const method of METHODS) field("try-method").append(h("option", {}, method));
  for (const id of ["try-method", "try-path", "try-token", "try-headers"])
    field(id).addEventListener("input", render);
  byId("try-form").addEventListener("submit", (event) => event.preventDefault());
  byId("try-copy").addEventListener("click", () => copy(byId("try-copy"), asCurl(request())));
  byId("try-send").addEventListener("click", send);
  field("routes-search").addEventListener("input", renderRoutes);
}

/**
 * Called when the section becomes visible.
 *
 * @param {string} token the token of the first section, used if there is no other
 */
export function activate(token) {
  if (field("try-token").value === "") field("try-token").value = token;
  render();
}

/**
 * Enters a token.
 *
 * @param {string} token
 */
export function use(token) {
  field("try-token").value = token;
  render();
}

/** Called when the facts have been loaded. */
export function refresh() {
  const first = gate.routes.find(({ access }) => access === "required") ?? gate.routes[0];
  if (first && field("try-path").value === "/") field("try-path").value = samplePath(first.path);
  renderRoutes();
  render();
}

/** @returns {Request} */
function request() {
  const path = field("try-path").value || "/";
  return requestWith(
    gate.facts?.policy,
    field("try-method").value,
    path,
    field("try-token").value.trim(),
    moreHeaders(),
  );
}

/** @returns {HeaderList} */
function moreHeaders() {
  const lines = field("try-headers")
    .value.split("\n")
    .filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return colon < 0
      ? [line.trim(), ""]
      : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}

function render() {
  const card = byId("try-verdict");
  const outcome = byId("try-outcome");
  const described = request();
  const key = JSON.stringify(described);
  if (!gate.facts || !canJudge()) {
    const detail = gate.facts
      ? "The gate’s WebAssembly is not loaded."
      : (gate.problem ?? "The policy is loading.");
    return fill(card, banner({ state: "unknown", title: "Not checked", detail }));
  }
  if (gate.facts.faults.length > 0 || !gate.facts.policy) {
    fill(
      card,
      banner(
        {
          state: "failed",
          title: "Refused with 500",
          detail: "The policy has faults, so the gate answers every request with 500.",
        },
        "misconfigured",
      ),
    );
    return fill(outcome);
  }
  const isAnswered = answered?.request === key;
  const verdict =
    isAnswered && answered ? answered.verdict : judge(question(gate.facts, described));
  const headline = summary(verdict);
  fill(
    card,
    banner(
      headline,
      verdict.refusal?.code,
      isAnswered ? "The gate’s own verdict" : "Checked in this page against this gate’s policy",
    ),
    verdict.verdict === "unknown" && askPanel(described),
    routeLine(verdict),
    h(
      "details",
      { class: "all-steps" },
      h("summary", {}, "All steps"),
      stepList(verdict, context(verdict)),
    ),
  );
  fill(
    outcome,
    sentThrough?.request === key && answerCard("The response through the gate", sentThrough.answer),
    ...consequences(verdict),
  );
  if (!byId("try").hidden) announce(`${headline.title}. ${headline.detail}`);
}

/**
 * @param {Verdict} verdict
 * @returns {Context}
 */
function context(verdict) {
  const token = field("try-token").value.trim();
  const issuer = gate.issuers.find(({ name }) => name === verdict.issuer);
  return { token, ...decodeToken(token), now: now(), issuer, verdict };
}

/** @param {Verdict} verdict */
function routeLine({ route }) {
  if (!route) return h("p", { class: "matched" }, "No route matches this path.");
  return h(
    "p",
    { class: "matched" },
    "The route ",
    h("code", {}, route.path),
    " matches. It requires ",
    (describeRequirements(route) ?? "").split("\n").join("; "),
    ".",
  );
}

/** @param {Request} described */
function askPanel(described) {
  const note = h("p", { class: "note failed", role: "alert" });
  const button = h(
    "button",
    { type: "button", class: "primary" },
    "Send this token to the gate for its verdict",
  );
  button.addEventListener("click", async () => {
    try {
      answered = { request: JSON.stringify(described), verdict: await askWorker(described) };
      render();
      focusVerdict("try-verdict");
    } catch (error) {
      note.textContent =
        error instanceof Unavailable ? error.message : "The gate’s response is malformed.";
    }
  });
  return h(
    "div",
    { class: "ask" },
    h("p", {}, "The gate can give its own verdict. Nothing is forwarded to the origin."),
    h("div", { class: "actions" }, button),
    note,
  );
}

/** @param {Verdict} verdict */
function consequences(verdict) {
  if (verdict.refusal) return [answerCard("What the client would receive", verdict.refusal)];
  if (verdict.answer) return [answerCard("What the client would receive", verdict.answer)];
  const outgoing = verdict.outgoing;
  if (!outgoing) return [];
  return [
    h(
      "div",
      { class: "card" },
      h("h2", {}, "What the origin would receive"),
      h(
        "pre",
        { class: "wire", tabindex: "0" },
        h(
          "code",
          {},
          h(
            "span",
            { class: "wire-status" },
            `${field("try-method").value} `,
            ...withVisibleCharacters(outgoing.url),
          ),
          "\n",
          outgoing.set.map((line) => headerLine(line, "set")),
          outgoing.remove.map((name) =>
            h(
              "span",
              { class: "wire-line removed" },
              h("span", { class: "wire-name" }, name),
              "\n",
            ),
          ),
        ),
      ),
      h(
        "p",
        { class: "note" },
        "These are the headers that the gate sets and the headers that it removes. All others are forwarded unchanged.",
      ),
    ),
  ];
}

/**
 * @param {string} title
 * @param {Answer} answer
 */
function answerCard(title, answer) {
  return h("div", { class: "card" }, h("h2", {}, title), wireAnswer(answer));
}

/** Sends the request from this page through the gate. */
async function send() {
  const note = byId("try-note");
  note.textContent = "";
  const described = request();
  const url = URL.parse(described.url);
  const forbidden = described.headers.find(([name]) =>
    /^(cookie|sec-|upgrade$|host$|origin$)/i.test(name),
  );
  if (!url || url.origin !== location.origin)
    note.textContent = "The path does not belong to this gate.";
  else if (forbidden)
    note.textContent = `Pages cannot set ${forbidden[0]}. Copy the request as curl instead.`;
  else if (field("try-path").value.includes("#")) note.textContent = "A path cannot contain #.";
  if (note.textContent !== "" || !url) return;
  try {
    const response = await fetch(url, {
      method: described.method,
      headers: described.headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "manual",
      referrerPolicy: "no-referrer",
    });
    const body = (await response.text()).slice(0, SHOWN_CHARACTERS);
    const answer = { status: response.status, headers: [...response.headers], body };
    sentThrough = { request: JSON.stringify(described), answer };
    render();
    announce(`The response through the gate: ${response.status}`);
  } catch {
    note.textContent =
      "Sending failed: the gate does not respond, or a header is not a valid HTTP header.";
  }
}

function renderRoutes() {
  const routes = gate.routes;
  const words = field("routes-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = routes.filter((route) =>
    words.every((word) => JSON.stringify(route).toLowerCase().includes(word)),
  );
  if (shown.length === 0)
    return fill(
      byId("routes"),
      h(
        "p",
        { class: "empty" },
        routes.length === 0 ? "No routes are known." : "No route contains all of these words.",
      ),
    );
  fill(
    byId("routes"),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["Path", "Methods", "Access", "Requires"].map((title) =>
            h("th", { scope: "col" }, title),
          ),
        ),
      ),
      h("tbody", {}, shown.map(routeRow)),
    ),
  );
}

/** @param {Route} route */
function routeRow(route) {
  const select = h("button", { type: "button", class: "path" }, route.path);
  select.addEventListener("click", () => {
    field("try-path").value = samplePath(route.path);
    if (route.methods.length > 0) field("try-method").value = route.methods[0] ?? "GET";
    render();
    field("try-path").focus();
  });
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, select),
    h(
      "td",
      { "data-label": "Methods" },
      route.methods.length > 0 ? route.methods.join(", ") : "all",
    ),
    h(
      "td",
      { "data-label": "Access" },
      h("span", { class: `access ${route.access}` }, route.access),
      route.mode === "report" && h("span", { class: "access report" }, "report"),
    ),
    h(
      "td",
      { "data-label": "Requires" },
      describeRequirements(route)?.split("\n").join("; ") ?? "",
    ),
  );
}
