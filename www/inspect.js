// The section that decodes a token and says why it is refused.

import { byId, fill, h, say } from "./dom.js";
import { about, ask, canJudge, gate, inspect, judge, now, Unavailable } from "./gate.js";
import { byOwnKey, kindOfKey, METHODS, requestWith, samplePath } from "./question.js";
import { fromNow, lasting, local, looksLikeMilliseconds, TIME_CLAIMS } from "./times.js";
import { decoded, painted, parsed, shownJson } from "./token.js";
import { banner, focusVerdict, sentence, stepList, summary } from "./verdict.js";

/** @typedef {import("./gate.js").Verdict} Verdict */

const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/** What was found in the text; the path that came with a curl line is taken over once. */
let found = /** @type {ReturnType<typeof inspect> | null} */ (null);
let takenFrom = "";
/** Secrets that were typed in, by the names of their bindings. */
const given = /** @type {Record<string, string>} */ ({});
/** The Worker's verdict on the last request that was sent to it. */
let asked = /** @type {{about: string, verdict: Verdict} | null} */ (null);
/** What is on the screen: it is drawn again only where it would differ. */
let drawn = "";
let drawnOutline = "";
let problem = /** @type {string | null} */ (null);

/** The token in the paste field, for the other sections. */
export const currentToken = () => found?.token ?? "";

/** Wires the section. */
export function start() {
  for (const method of METHODS) field("inspect-method").append(h("option", {}, method));
  field("paste").addEventListener("input", read);
  for (const id of ["inspect-method", "inspect-path", "own-key", "own-encoding"])
    field(id).addEventListener("input", () => draw());
  for (const radio of radios()) radio.addEventListener("change", () => draw());
  byId("paste-clear").addEventListener("click", () => {
    show("");
    field("paste").focus();
  });
  setInterval(tick, 1000);
}

/** Called when the gate's facts or its compiled twin have come, or failed to. @param {string | null} why no judging here */
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

/** Puts a text into the paste field, and judges it. @param {string} text @param {string} [key] by this key instead of the policy */
export function show(text, key) {
  field("paste").value = text;
  if (key !== undefined) field("own-key").value = key;
  choose(key === undefined ? "policy" : "own");
  read();
}

const radios = () =>
  /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=against]")]);
const byOwn = () => radios().some(({ checked, value }) => checked && value === "own");

/** @param {string} value */
function choose(value) {
  for (const radio of radios()) radio.checked = radio.value === value;
}

function read() {
  const text = field("paste").value;
  found = text.trim() === "" ? null : inspect(text);
  fill(byId("paste-paint"), ...painted(text, found?.token ?? ""), "\n");
  byId("paste-clear").hidden = text === "";
  fill(byId("paste-note"), noteOn(text));
  if (found?.curl && takenFrom !== text) {
    takenFrom = text;
    field("inspect-method").value = METHODS.includes(found.curl.method ?? "")
      ? (found.curl.method ?? "GET")
      : "GET";
    field("inspect-path").value = pathOf(found.curl.url);
  }
  drawDecoded();
  draw();
}

/** The path and query of an address, as they are written. @param {string} url */
const pathOf = (url) => url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/#.*$/, "") || "/";

/** @param {string} text */
function noteOn(text) {
  if (!found) return "";
  if (!found.token)
    return found.curl
      ? "A curl line without a token."
      : sentence(found.fault?.because ?? "No token is in it");
  if (found.curl)
    return `Found in a curl line: ${found.curl.method ?? "GET"} ${pathOf(found.curl.url)}`;
  return text.trim() === found.token ? "" : "Found one token in it.";
}

/** The request to judge. */
function request() {
  const method = field("inspect-method").value;
  const path = field("inspect-path").value || "/";
  if (found?.curl) return { ...requestWith(null, method, path, ""), headers: found.curl.headers };
  return requestWith(gate.facts?.policy, method, path, currentToken());
}

function context(/** @type {Verdict} */ verdict) {
  const [head, body] = currentToken().split(".");
  const issuer = byOwn()
    ? undefined
    : (gate.issuers.find(({ name }) => name === verdict.issuer) ?? onlyIssuer());
  return {
    token: currentToken(),
    header: parsed(decoded(head ?? "").text),
    claims: parsed(decoded(body ?? "").text),
    now: now(),
    issuer,
    verdict,
  };
}

const onlyIssuer = () => (gate.issuers.length === 1 ? gate.issuers[0] : undefined);

function draw() {
  byId("against-policy").hidden = byOwn();
  byId("against-own").hidden = !byOwn();
  byId("own-encoding-line").hidden =
    field("own-key").value.trim() === "" || kindOfKey(field("own-key").value) !== "secret";
  const next = outcome();
  const signature = JSON.stringify([next, field("own-key").value, currentToken()]);
  if (signature === drawn) return;
  drawn = signature;
  drawnOutline = outline(next);
  const card = byId("inspect-verdict");
  const { said, verdict, by } = next;
  if (!verdict) fill(card, banner(said));
  else if (next.faults) fill(card, banner(said, undefined, by), faultList(next.faults));
  else {
    const mayAsk = !byOwn() && (verdict.verdict === "unknown" || secretName(verdict));
    fill(
      card,
      banner(said, verdict.refusal?.code, by),
      mayAsk && askPanel(verdict),
      stepList(verdict, context(verdict)),
    );
  }
  say(`${said.title}. ${said.detail}`);
}

/**
 * What there is to say now.
 *
 * @returns {{said: {state: string, title: string, detail: string}, verdict?: Verdict, by?: string,
 *   faults?: import("./gate.js").Fault[]}}
 */
function outcome() {
  if (!found)
    return {
      said: {
        state: "idle",
        title: "Nothing to judge yet",
        detail:
          "Paste a token, and each step of its verification shows here, in the gate’s own order.",
      },
    };
  if (!found.token && !found.curl)
    return {
      said: {
        state: "failed",
        title: "No token in it",
        detail: sentence(found.fault?.because ?? ""),
      },
    };
  if (!byOwn() && asked?.about === JSON.stringify(request()))
    return { said: summary(asked.verdict), verdict: asked.verdict, by: "The gate’s own verdict" };
  if (!canJudge())
    return {
      said: {
        state: "unknown",
        title: "Not judged here",
        detail: problem ?? "The gate is being loaded.",
      },
    };
  return byOwn() ? outcomeByOwnKey() : outcomeByPolicy();
}

function outcomeByPolicy() {
  const facts = gate.facts;
  if (!facts)
    return {
      said: {
        state: "unknown",
        title: "No policy to judge by",
        detail: `${gate.problem ?? "The gate is being asked."} A key of yours works without it.`,
      },
    };
  if (facts.faults.length > 0 || !facts.policy)
    return {
      said: {
        state: "failed",
        title: "Misconfigured",
        detail:
          "The policy has faults, so that every request is answered with 500, whatever its token.",
      },
      verdict: /** @type {any} */ ({ steps: [] }),
      faults: facts.faults,
    };
  const verdict = judge(about(facts, request(), { bindings: given }));
  const misfit = verdict.faults?.[0];
  if (misfit)
    return {
      said: {
        state: "unknown",
        title: "Not with that secret",
        detail: `What was typed in cannot be it: ${misfit.problem}.`,
      },
      verdict: { ...verdict, steps: [], issuer: onlyIssuer()?.name },
    };
  return { said: summary(verdict), verdict, by: "Judged in this page, by this gate’s policy" };
}

function outcomeByOwnKey() {
  const text = field("own-key").value;
  if (text.trim() === "")
    return {
      said: {
        state: "idle",
        title: "Which key?",
        detail: "Paste a public key, a key set or the secret that should have signed this token.",
      },
    };
  const algorithm = context(/** @type {any} */ ({})).header?.alg;
  const key = { kind: kindOfKey(text), text, encoding: field("own-encoding").value };
  const verdict = judge(
    byOwnKey(key, currentToken(), typeof algorithm === "string" ? algorithm : ""),
  );
  if (verdict.faults?.length)
    return {
      said: {
        state: "failed",
        title: "This key cannot be used",
        detail: "The gate would not take it either:",
      },
      verdict,
      faults: verdict.faults,
    };
  // The others would pass whatever the token says.
  verdict.steps = verdict.steps.filter(({ name }) => OWN_KEY_STEPS.includes(name));
  const said = summary(verdict);
  const good = {
    ...said,
    title: "Signed with this key",
    detail: "And valid now. Issuer and audience were not compared: a gate would.",
  };
  return {
    said: verdict.verdict === "admitted" ? good : said,
    verdict,
    by: "Judged in this page, by your key",
  };
}

/** @param {import("./gate.js").Fault[]} faults */
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

/** What a key alone has a say in, and the token's own form and times. */
const OWN_KEY_STEPS = ["found", "parsed", "key", "signature", "type", "time", "claims"];

/** The binding whose secret decides, where the page does not have it. @param {Verdict} verdict */
function secretName(verdict) {
  const issuer = gate.issuers.find(({ name }) => name === verdict.issuer) ?? onlyIssuer();
  return issuer?.withheld ? issuer.names[0] : undefined;
}

/** @param {Verdict} verdict */
function askPanel(verdict) {
  const name = secretName(verdict);
  const note = h("p", { class: "note failed", role: "alert" });
  const button = h(
    "button",
    { type: "button", class: "primary", id: "ask" },
    "Send this token to the gate and ask",
  );
  button.addEventListener("click", async () => {
    const sent = request();
    button.setAttribute("aria-busy", "true");
    try {
      asked = { about: JSON.stringify(sent), verdict: await ask(sent) };
      draw();
      focusVerdict("inspect-verdict");
    } catch (error) {
      note.textContent =
        error instanceof Unavailable ? error.message : "The answer could not be read.";
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
            "The gate keeps ",
            h("code", {}, name),
            " to itself. It can be asked for its own verdict; nothing goes on to the origin.",
          ]
        : "The gate itself can be asked; nothing goes on to the origin.",
    ),
    h("div", { class: "actions" }, button),
    name && secretField(name),
    note,
  );
}

/** @param {string} name */
function secretField(name) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { type: "password", id: "given-secret", autocomplete: "off", spellcheck: "false" })
  );
  input.value = given[name] ?? "";
  const form = h(
    "form",
    { class: "line" },
    h(
      "label",
      { for: "given-secret" },
      "Or type ",
      h("code", {}, name),
      " in: it stays in this page",
    ),
    input,
    h("button", { type: "submit" }, "Judge with it"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value === "") delete given[name];
    else given[name] = input.value;
    asked = null;
    draw();
    byId("given-secret").focus();
  });
  return form;
}

function drawDecoded() {
  const [head, body] = currentToken().split(".");
  if (!found?.token) return fill(byId("decoded"));
  const claims = decoded(body ?? "");
  fill(
    byId("decoded"),
    jsonCard("Header", "header", decoded(head ?? "")),
    jsonCard("Claims", "claims", claims, lifetime(parsed(claims.text))),
  );
}

/** @param {string} title @param {string} kind @param {ReturnType<typeof decoded>} segment @param {Node | null} [above] */
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
    segment.text !== undefined && shownJson(segment.text, remark),
  );
}

/** A time beside the number. @param {string[]} path @param {string} raw */
function remark(path, raw) {
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
    return h("span", { class: "remark wrong" }, "milliseconds? seconds are meant");
  const shown = local(seconds);
  return shown === undefined
    ? null
    : h(
        "span",
        { class: "remark" },
        `${shown}, `,
        h("span", { "data-seconds": seconds }, fromNow(seconds - now() / 1000)),
      );
}

/** How much of its life a token has behind it. @param {Record<string, any> | null} claims */
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
    value: passedOf(from, exp),
    "data-from": from,
    "data-exp": exp,
    "aria-label": "Part of its lifetime that has passed",
  });
  return h(
    "div",
    { class: "lifetime" },
    meter,
    h(
      "p",
      { class: "note" },
      `Made for ${lasting(exp - from)}; it ${exp * 1000 > now() ? "ends" : "ended"} `,
      h("span", { "data-seconds": exp }, fromNow(exp - now() / 1000)),
      ".",
    ),
  );
}

/** @param {number} from @param {number} exp */
const passedOf = (from, exp) => Math.min(Math.max(now() / 1000 - from, 0), exp - from);

/** Once a second: what has to do with time. */
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
    one.value = passedOf(Number(one.dataset.from), Number(one.dataset.exp));
  }
  if (found && outline(outcome()) !== drawnOutline) draw();
}

/** What has to change before the passing of time alone draws anew: what is open or typed in would be lost. @param {ReturnType<typeof outcome>} of */
const outline = ({ said, verdict }) =>
  JSON.stringify([said.title, verdict?.steps?.map(({ state }) => state)]);
