// Builds elements from data. Text only ever becomes text nodes, so a claim cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element with the ID ${id}`);
  return element;
}

/**
 * The form control with this ID, an input, a select or a textarea.
 *
 * @param {string} id
 */
export const field = (id) => /** @type {HTMLInputElement} */ (byId(id));

/**
 * Creates an HTML element. The attributes `false`, `null` and `undefined` are omitted; `true` sets
 * an attribute without a value.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 */
export function h(tag, attributes = {}, ...children) {
  return complete(document.createElement(tag), attributes, children);
}

/**
 * Creates an SVG element, as `h` does for HTML.
 *
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 */
export function svg(tag, attributes = {}, ...children) {
  return complete(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes} attributes
 * @param {(Child | Child[])[]} children
 */
function complete(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * Replaces the children of an element.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Creates a button that copies a text and reports the outcome.
 *
 * @param {string} label
 * @param {() => string} text
 */
export function copyButton(label, text) {
  const button = h("button", { type: "button" }, label);
  button.addEventListener("click", () => copy(button, text()));
  return button;
}

/**
 * Copies a text. The button shows the outcome for a moment.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copy(button, text) {
  button.dataset.label ??= button.textContent ?? "";
  const outcome = await navigator.clipboard.writeText(text).then(
    () => "Copied",
    () => "The browser does not allow copying",
  );
  button.textContent = outcome;
  announce(outcome);
  setTimeout(() => (button.textContent = button.dataset.label ?? ""), 1600);
}

/**
 * Announces a text to screen readers, unless it is the last text announced.
 *
 * @param {string} text
 */
export function announce(text) {
  const region = byId("announcement");
  if (region.textContent !== text) region.textContent = text;
}

/**
 * The icon of a step's state.
 *
 * @param {string} state
 */
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
