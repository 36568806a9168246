// The console: loads the facts about the gate and the compiled gate, and switches between sections.

import { byId, fill, h } from "./dom.js";
import { describe, gate, loadCompiled, loadFacts } from "./gate.js";
import * as inspecting from "./inspect.js";
import * as keys from "./keys.js";
import * as minting from "./mint.js";
import * as trying from "./try.js";

const SECTIONS = ["inspect", "try", "mint", "keys"];
const THEMES = ["system", "light", "dark"];

/** Why this page cannot check tokens, if it cannot. */
let problem = /** @type {string | null} */ (null);

const section = () => {
  const wanted = location.hash.slice(1);
  return SECTIONS.includes(wanted) ? wanted : "inspect";
};

/**
 * Shows the section that the URL names.
 *
 * @param {boolean} hasMoved whether the user has navigated to it
 */
function showSection(hasMoved) {
  const here = section();
  for (const name of SECTIONS) byId(name).hidden = name !== here;
  for (const link of document.querySelectorAll("nav.sections a")) {
    if (link.getAttribute("href") === `#${here}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const title = byId(`${here}-title`);
  document.title = `${title.textContent} · Portcullis console`;
  if (here === "try") trying.activate(inspecting.currentToken());
  if (!hasMoved) return;
  scrollTo(0, 0);
  title.focus({ preventScroll: true });
}

/** @param {string} name */
function openSection(name) {
  if (section() === name) showSection(true);
  else location.hash = name;
}

/** Sets up the theme button. The chosen theme is the only thing that this page stores. */
function startThemes() {
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
    byId("theme").setAttribute("aria-label", `Colors: ${theme}`);
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
      // Storage is blocked, so the theme is lost when the page is closed.
    }
  });
}

function showHealth() {
  const { facts, problem } = gate;
  const faults = facts?.faults.length ?? 0;
  const warnings = facts?.warnings.length ?? 0;
  const [state, text] = !facts
    ? ["failed", problem ? "gate unreachable" : "loading"]
    : faults > 0 || !facts.policy
      ? ["failed", keys.counted(faults, "policy fault")]
      : warnings > 0
        ? ["unknown", keys.counted(warnings, "warning")]
        : ["passed", "policy OK"];
  byId("health").dataset.state = facts || problem ? state : "loading";
  byId("health-text").textContent = text ?? "";
  byId("version").textContent = facts ? `Portcullis ${facts.version}.` : "";
}

/** Shows problems that affect every section. */
function showNotices() {
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
          " You can still decode tokens and check them against your own key.",
        ),
        again,
      ),
    problem &&
      h(
        "div",
        { class: "notice failed", role: "alert" },
        h("p", {}, h("strong", {}, problem), " This page decodes tokens but cannot check them."),
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
          " The gate answers every request with 500 until they are corrected. ",
          h("a", { href: "#keys" }, "Show the faults"),
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
          `This machine’s clock is ${Math.abs(skew)} seconds ${skew > 0 ? "behind" : "ahead of"} the gate’s clock. This page uses the gate’s clock.`,
        ),
      ),
  );
}

async function load() {
  showHealth();
  await loadFacts();
  show();
}

function show() {
  describe();
  showHealth();
  showNotices();
  inspecting.refresh(problem);
  trying.refresh();
  minting.refresh();
  keys.refresh();
}

startThemes();
inspecting.start();
trying.start();
minting.start({
  inspect: (token, key) => {
    inspecting.show(token, key);
    openSection("inspect");
  },
  use: (token) => {
    trying.use(token);
    openSection("try");
  },
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", () => {
  showSection(true);
  showNotices();
});
showSection(false);
const compiling = loadCompiled().then((why) => {
  problem = why;
});
await Promise.all([load(), compiling]);
show();
document.documentElement.dataset.ready = "true";
