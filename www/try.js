// The section that tries a request: which route, what goes on, what the answer would be.

import { byId, copy, fill, h, say } from "./dom.js";
import { demands } from "./evidence.js";
import { about, ask, canJudge, gate, judge, now, Unavailable } from "./gate.js";
import { asCurl, METHODS, requestWith, samplePath } from "./question.js";
import { decoded, parsed, visible } from "./token.js";
import { banner, focusVerdict, headerLine, stepList, summary, wireAnswer } from "./verdict.js";

/** @typedef {import("./gate.js").Verdict} Verdict */

const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/** What a browser shows of an answer's body at most. */
const SHOWN_CHARACTERS = 20_000;

let asked = /** @type {{about: string, verdict: Verdict} | null} */ (null);
/** The answer to the last request that went through the gate. */
let real =
  /** @type {{about: string, answer: {status: number, headers: [string, string][], body: string}} | null} */ (
    null
  );

/** Wires the section. */
export function start() {
  for (const method of METHODS) field("try-method").append(h("option", {}, method));
  for (const id of ["try-method", "try-path", "try-token", "try-headers"])
    field(id).addEventListener("input", draw);
  byId("try-form").addEventListener("submit", (event) => event.preventDefault());
  byId("try-copy").addEventListener("click", () => copy(byId("try-copy"), asCurl(request())));
  byId("try-send").addEventListener("click", send);
  field("routes-search").addEventListener("input", drawRoutes);
}

/** Called when the section is shown; a token comes along from another section. @param {string} token */
export function shown(token) {
  if (field("try-token").value === "") field("try-token").value = token;
  draw();
}

/** Puts a token in. @param {string} token */
export function use(token) {
  field("try-token").value = token;
  draw();
}

/** Called when the gate's facts have come. */
export function refresh() {
  const first = gate.routes.find(({ access }) => access === "required") ?? gate.routes[0];
  if (first && field("try-path").value === "/") field("try-path").value = samplePath(first.path);
  drawRoutes();
  draw();
}

/** @returns {import("./gate.js").Request} */
function request() {
  const path = field("try-path").value || "/";
  return requestWith(
    gate.facts?.policy,
    field("try-method").value,
    path,
    field("try-token").value.trim(),
    furtherHeaders(),
  );
}

/** @returns {[string, string][]} */
function furtherHeaders() {
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

function draw() {
  const card = byId("try-verdict");
  const outcome = byId("try-outcome");
  const sent = request();
  const here = JSON.stringify(sent);
  if (!gate.facts || !canJudge()) {
    const detail = gate.facts
      ? "The gate’s WebAssembly is not loaded."
      : (gate.problem ?? "The gate is being asked.");
    return fill(card, banner({ state: "unknown", title: "Not judged here", detail }));
  }
  if (gate.facts.faults.length > 0 || !gate.facts.policy) {
    fill(
      card,
      banner(
        {
          state: "failed",
          title: "Refused with 500",
          detail: "The policy has faults: every request is answered like that.",
        },
        "misconfigured",
      ),
    );
    return fill(outcome);
  }
  const isAsked = asked?.about === here;
  const verdict = isAsked && asked ? asked.verdict : judge(about(gate.facts, sent));
  const said = summary(verdict);
  fill(
    card,
    banner(
      said,
      verdict.refusal?.code,
      isAsked ? "The gate’s own verdict" : "Judged in this page, by this gate’s policy",
    ),
    verdict.verdict === "unknown" && askPanel(sent),
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
    real?.about === here && answerCard("What came back through the gate", real.answer),
    ...consequences(verdict),
  );
  if (!byId("try").hidden) say(`${said.title}. ${said.detail}`);
}

/** @param {Verdict} verdict */
function context(verdict) {
  const token = field("try-token").value.trim();
  const [head, body] = token.split(".");
  const issuer = gate.issuers.find(({ name }) => name === verdict.issuer);
  return {
    token,
    header: parsed(decoded(head ?? "").text),
    claims: parsed(decoded(body ?? "").text),
    now: now(),
    issuer,
    verdict,
  };
}

/** @param {Verdict} verdict */
function routeLine({ route }) {
  if (!route) return h("p", { class: "matched" }, "No route of the policy takes this path.");
  return h(
    "p",
    { class: "matched" },
    "Taken by the route ",
    h("code", {}, route.path),
    ", which asks for ",
    (demands(route) ?? "").split("\n").join("; "),
    ".",
  );
}

/** @param {import("./gate.js").Request} sent */
function askPanel(sent) {
  const note = h("p", { class: "note failed", role: "alert" });
  const button = h(
    "button",
    { type: "button", class: "primary" },
    "Send this token to the gate and ask",
  );
  button.addEventListener("click", async () => {
    try {
      asked = { about: JSON.stringify(sent), verdict: await ask(sent) };
      draw();
      focusVerdict("try-verdict");
    } catch (error) {
      note.textContent =
        error instanceof Unavailable ? error.message : "The answer could not be read.";
    }
  });
  return h(
    "div",
    { class: "ask" },
    h("p", {}, "Asking forwards nothing to the origin."),
    h("div", { class: "actions" }, button),
    note,
  );
}

/** @param {Verdict} verdict */
function consequences(verdict) {
  if (verdict.refusal) return [answerCard("What the client would get", verdict.refusal)];
  if (verdict.answer) return [answerCard("What the client would get", verdict.answer)];
  const outgoing = verdict.outgoing;
  if (!outgoing) return [];
  return [
    h(
      "div",
      { class: "card" },
      h("h2", {}, "What the origin would get"),
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
            ...visible(outgoing.url),
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
        "Headers that the gate writes, and those it takes away if they come. All others go on as they are.",
      ),
    ),
  ];
}

/** @param {string} title @param {{status: number, headers: [string, string][], body: string}} answer */
function answerCard(title, answer) {
  return h("div", { class: "card" }, h("h2", {}, title), wireAnswer(answer));
}

/** The real thing: out of the page, through the gate. */
async function send() {
  const note = byId("try-note");
  note.textContent = "";
  const sent = request();
  const url = URL.parse(sent.url);
  const forbidden = sent.headers.find(([name]) =>
    /^(cookie|sec-|upgrade$|host$|origin$)/i.test(name),
  );
  if (!url || url.origin !== location.origin) note.textContent = "That is no path of this gate.";
  else if (forbidden)
    note.textContent = `A page may not send ${forbidden[0]} by itself: copy it as curl.`;
  else if (field("try-path").value.includes("#")) note.textContent = "A path has no #.";
  if (note.textContent !== "" || !url) return;
  try {
    const response = await fetch(url, {
      method: sent.method,
      headers: sent.headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "manual",
      referrerPolicy: "no-referrer",
    });
    const body = (await response.text()).slice(0, SHOWN_CHARACTERS);
    real = {
      about: JSON.stringify(sent),
      answer: { status: response.status, headers: [...response.headers], body },
    };
    draw();
    say(`The answer through the gate: ${response.status}`);
  } catch {
    note.textContent = "It did not come back: the gate does not answer, or a header is not one.";
  }
}

function drawRoutes() {
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
        routes.length === 0 ? "No routes are known." : "No route has all of these words.",
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
          ["Path", "Methods", "Access", "Asks for"].map((title) =>
            h("th", { scope: "col" }, title),
          ),
        ),
      ),
      h("tbody", {}, shown.map(routeRow)),
    ),
  );
}

/** @param {import("./gate.js").Route} route */
function routeRow(route) {
  const pick = h("button", { type: "button", class: "path" }, route.path);
  pick.addEventListener("click", () => {
    field("try-path").value = samplePath(route.path);
    if (route.methods.length > 0) field("try-method").value = route.methods[0] ?? "GET";
    draw();
    field("try-path").focus();
  });
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, pick),
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
    h("td", { "data-label": "Asks for" }, demands(route)?.split("\n").join("; ") ?? ""),
  );
}
