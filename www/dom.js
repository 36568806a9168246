// Elements from data. Text is only ever set as text: what a claim holds cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element with the id ${id}`);
  return element;
}

/**
 * An element. `attributes`: `class`, `onclick` and the like as functions, true for a bare attribute; false,
 * null and undefined leave one out.
 *
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (filled(document.createElement(tag), attributes, children));
}

/** The same for SVG. @param {string} tag @param {Record<string, any>} [attributes] @param {...(Child | Child[])} children */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** @param {Element} element @param {Record<string, any>} attributes @param {(Child | Child[])[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...kept(children));
  return element;
}

/** @param {(Child | Child[])[]} children @returns {(Node | string)[]} */
function kept(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Puts these in the place of what an element holds. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/** A button that copies a text, and says that it did. @param {string} label @param {() => string} text */
export function copyButton(label, text) {
  const button = h("button", { type: "button" }, label);
  button.addEventListener("click", () => copy(button, text()));
  return button;
}

/** Copies a text; the button says how that went, and then its label again. @param {HTMLElement} button @param {string} text */
export async function copy(button, text) {
  button.dataset.label ??= button.textContent ?? "";
  const outcome = await navigator.clipboard.writeText(text).then(
    () => "Copied",
    () => "The browser does not let this page copy",
  );
  button.textContent = outcome;
  say(outcome);
  setTimeout(() => (button.textContent = button.dataset.label ?? ""), 1600);
}

/** Tells a screen reader, once. @param {string} text */
export function say(text) {
  const said = byId("said");
  if (said.textContent !== text) said.textContent = text;
}

/** One of a set of icons that the style sheet knows. @param {string} state */
export function icon(state) {
  const path = {
    passed: "M4.5 10.5l3.5 3.5 7.5-8",
    failed: "M5.5 5.5l9 9M14.5 5.5l-9 9",
    unknown: "M7.3 7.4a2.8 2.8 0 1 1 4 2.6c-.9.4-1.3.9-1.3 2M10 15v.4",
    skipped: "M6 10h8",
    not_reached: "M10 10v.1",
  }[state];
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
    svg("path", { d: path ?? "" }),
  );
}
