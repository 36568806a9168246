// The console: loads the gate's facts and its compiled twin, and moves between the sections.

import { byId, fill, h } from "./dom.js";
import { describe, gate, loadCompiled, loadFacts } from "./gate.js";
import * as inspecting from "./inspect.js";
import * as keys from "./keys.js";
import * as minting from "./mint.js";
import * as trying from "./try.js";

const SECTIONS = ["inspect", "try", "mint", "keys"];
const THEMES = ["system", "light", "dark"];

/** Why tokens cannot be judged in this page, if they cannot. */
let problem = /** @type {string | null} */ (null);

const section = () => {
  const wanted = location.hash.slice(1);
  return SECTIONS.includes(wanted) ? wanted : "inspect";
};

/** Shows the section that the address names. @param {boolean} moved whether somebody went there */
function go(moved) {
  const here = section();
  for (const name of SECTIONS) byId(name).hidden = name !== here;
  for (const link of document.querySelectorAll("nav.sections a")) {
    if (link.getAttribute("href") === `#${here}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = byId(`${here}-title`);
  document.title = `${title.textContent} · Portcullis console`;
  if (here === "try") trying.shown(inspecting.currentToken());
  if (!moved) return;
  scrollTo(0, 0);
  title.focus({ preventScroll: true });
}

/** @param {string} name */
function goTo(name) {
  if (section() === name) go(true);
  else location.hash = name;
}

/** The theme that was chosen: the one thing that this page stores. */
function themes() {
  const stored = () => {
    try {
      return localStorage.getItem("theme") ?? "system";
    } catch {
      return "system";
    }
  };
  const apply = (/** @type {string} */ theme) => {
    document.documentElement.dataset.theme = theme;
    byId("theme-text").textContent = `${theme[0]?.toUpperCase()}${theme.slice(1)}`;
    byId("theme").setAttribute("aria-label", `Colours: ${theme}`);
  };
  apply(THEMES.includes(stored()) ? stored() : "system");
  byId("theme").addEventListener("click", () => {
    const next =
      THEMES[
        (THEMES.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % THEMES.length
      ] ?? "system";
    apply(next);
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Then it lasts as long as the page.
    }
  });
}

function health() {
  const { facts, problem } = gate;
  const faults = facts?.faults.length ?? 0;
  const warnings = facts?.warnings.length ?? 0;
  const [state, text] = !facts
    ? ["failed", problem ? "gate not reached" : "asking the gate"]
    : faults > 0 || !facts.policy
      ? ["failed", keys.counted(faults, "policy fault")]
      : warnings > 0
        ? ["unknown", keys.counted(warnings, "warning")]
        : ["passed", "policy in order"];
  byId("health").dataset.state = facts || problem ? state : "loading";
  byId("health-text").textContent = text ?? "";
  byId("version").textContent = facts ? `Portcullis ${facts.version}.` : "";
}

/** What has to be known before anything else. */
function notices() {
  const again = h("button", { type: "button" }, "Try again");
  again.addEventListener("click", load);
  const skew = Math.round(gate.offset / 1000);
  fill(
    byId("notices"),
    gate.problem &&
      h(
        "div",
        { class: "notice failed", role: "alert" },
        h(
          "p",
          {},
          h("strong", {}, gate.problem),
          " Tokens can be decoded and judged by a key of yours meanwhile.",
        ),
        again,
      ),
    problem &&
      h(
        "div",
        { class: "notice failed", role: "alert" },
        h("p", {}, h("strong", {}, problem), " Tokens are decoded here, but not judged."),
      ),
    gate.facts &&
      gate.facts.faults.length > 0 &&
      section() !== "keys" &&
      h(
        "div",
        { class: "notice failed" },
        h(
          "p",
          {},
          h("strong", {}, `The policy has ${keys.counted(gate.facts.faults.length, "fault")}.`),
          " Every request is answered with 500 until they are mended. ",
          h("a", { href: "#keys" }, "What is wrong"),
        ),
      ),
    gate.facts &&
      Math.abs(skew) >= 30 &&
      h(
        "div",
        { class: "notice unknown" },
        h(
          "p",
          {},
          `This machine’s clock is ${Math.abs(skew)} seconds ${skew > 0 ? "behind" : "ahead of"} the gate’s. Times are judged by the gate’s.`,
        ),
      ),
  );
}

async function load() {
  health();
  await loadFacts();
  show();
}

function show() {
  describe();
  health();
  notices();
  inspecting.refresh(problem);
  trying.refresh();
  minting.refresh();
  keys.refresh();
}

themes();
inspecting.start();
trying.start();
minting.start({
  inspect: (token, key) => {
    inspecting.show(token, key);
    goTo("inspect");
  },
  use: (token) => {
    trying.use(token);
    goTo("try");
  },
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", () => {
  go(true);
  notices();
});
go(false);
const compiling = loadCompiled().then((why) => {
  problem = why;
});
await Promise.all([load(), compiling]);
show();
document.documentElement.dataset.ready = "true";
