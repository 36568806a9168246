// The section that mints tokens for local use.

import { announce, byId, copyButton, field, fill, h } from "./dom.js";
import { gate, mintAtGate, now, Unavailable } from "./gate.js";
import { asCurl, requestWith, samplePath } from "./question.js";
import { ALGORITHMS, localKey, sign } from "./signing.js";
import { highlightToken, parseObject } from "./token.js";

/** @import { PublicJwk } from "./signing.js" */
/** @import { JsonObject } from "./token.js" */

/** The value of the signer that has the Worker sign. */
const AT_GATE = "gate";

/**
 * What the buttons beside a minted token do.
 *
 * @typedef {{inspect: (token: string, key?: string) => void, use: (token: string) => void}} Actions
 */

/**
 * Set by `start`.
 *
 * @type {Actions}
 */
let actions;

/**
 * Sets up the section.
 *
 * @param {Actions} given
 */
export function start(given) {
  actions = given;
  for (const input of claimFields())
    input.addEventListener("input", () => writeClaim(input.dataset.claim ?? "", input.value));
  field("mint-expiry").addEventListener("input", writeTimes);
  field("mint-signer").addEventListener("input", () => (hasChosenSigner = true));
  field("mint-claims").addEventListener("input", () => {
    hasEditedClaims = true;
    readClaims();
  });
  byId("mint-form").addEventListener("submit", (event) => {
    event.preventDefault();
    mint();
  });
  fill(byId("minted"), placeholder());
  refresh();
}

/** Called when the facts have been loaded. */
export function refresh() {
  const signer = field("mint-signer");
  const chosen = hasChosenSigner ? signer.value : "";
  const local = Object.entries(ALGORITHMS).map(([name, { label }]) =>
    h("option", { value: name }, `${name}: ${label}, with a key generated in this page`),
  );
  const demo = gate.facts?.mint
    ? [h("option", { value: AT_GATE }, "HS256: the demo secret, signed by the gate")]
    : [];
  const options = [...demo, ...local];
  fill(signer, ...options);
  if (options.some(({ value }) => value === chosen)) signer.value = chosen;
  const issuer = demoIssuer() ?? gate.issuers[0];
  if (hasEditedClaims) return;
  write({
    iss: issuer?.issuer[0] ?? "https://issuer.example/",
    aud: issuer?.audience[0] ?? "https://api.example.com",
    sub: "user-1",
    scope: "read",
  });
  writeTimes();
}

/**
 * Whether the user has edited the claims or chosen a signer. `refresh` must not overwrite either.
 */
let hasEditedClaims = false;
let hasChosenSigner = false;

const demoIssuer = () =>
  gate.facts?.mint ? gate.issuers.find(({ source }) => source === "secret") : undefined;
const claimFields = () =>
  /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("#mint-form [data-claim]")]);

const claims = () => parseObject(field("mint-claims").value);

/** @param {JsonObject} value */
function write(value) {
  field("mint-claims").value = JSON.stringify(value, null, 2);
  readClaims();
}

/**
 * @param {string} name
 * @param {string} text
 */
function writeClaim(name, text) {
  const value = claims();
  hasEditedClaims = true;
  if (!value) return;
  if (text === "") delete value[name];
  else value[name] = text;
  field("mint-claims").value = JSON.stringify(value, null, 2);
}

function writeTimes() {
  const value = claims();
  if (!value) return;
  const seconds = Math.floor(now() / 1000);
  const lifetime = field("mint-expiry").value;
  const { exp, iat, ...rest } = value;
  // An expired token must have been issued before it expired.
  const issued = Number(lifetime) < 0 ? seconds + 2 * Number(lifetime) : seconds;
  const made = { ...rest, iat: issued };
  write(lifetime === "" ? made : { ...made, exp: seconds + Number(lifetime) });
}

function readClaims() {
  const value = claims();
  byId("mint-note").textContent = value ? "" : NOT_AN_OBJECT;
  for (const input of claimFields()) {
    const claim = value?.[input.dataset.claim ?? ""];
    input.value =
      typeof claim === "string" ? claim : claim === undefined ? "" : JSON.stringify(claim);
  }
}

const NOT_AN_OBJECT = "The claims are not a JSON object.";

async function mint() {
  const note = byId("mint-note");
  const text = field("mint-claims").value;
  const value = claims();
  if (!value) {
    note.textContent = NOT_AN_OBJECT;
    return;
  }
  note.textContent = "";
  const signer = field("mint-signer").value;
  try {
    if (signer === AT_GATE) {
      const token = await mintAtGate({ issuer: demoIssuer()?.name, claims: value });
      showMinted(token);
    } else {
      const key = await localKey(signer);
      showMinted(await sign(key, text), key.publicJwk);
    }
  } catch (error) {
    note.textContent =
      error instanceof Unavailable
        ? error.message
        : `This browser cannot generate a key for ${signer} on this page.`;
  }
}

/**
 * @param {string} token
 * @param {PublicJwk} [jwk] the key that signed the token, if it was generated in this
 *   page
 */
function showMinted(token, jwk) {
  const keyText = jwk ? JSON.stringify({ keys: [jwk] }, null, 2) : undefined;
  const inspectIt = h(
    "button",
    { type: "button", class: "primary", id: "mint-inspect" },
    "Inspect the token",
  );
  inspectIt.addEventListener("click", () => actions.inspect(token, keyText));
  const tryIt = h("button", { type: "button", id: "mint-try" }, "Try a request with it");
  tryIt.addEventListener("click", () => actions.use(token));
  fill(
    byId("minted"),
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, "The token"),
      h("span", { class: "aside" }, `${token.length} characters`),
    ),
    h(
      "pre",
      { class: "token-text", id: "minted-token", tabindex: "0" },
      h("code", {}, ...highlightToken(token)),
    ),
    h(
      "div",
      { class: "actions" },
      inspectIt,
      tryIt,
      copyButton("Copy the token", () => token),
      copyButton("Copy as curl", () => asCurl(exampleRequest(token))),
    ),
    jwk && keyText && keyAdvice(jwk, keyText),
  );
  announce("A token was minted.");
}

/** @param {string} token */
function exampleRequest(token) {
  const route = gate.routes.find(({ access }) => access !== "public");
  return requestWith(
    gate.facts?.policy,
    route?.methods[0] ?? "GET",
    samplePath(route?.path ?? "/"),
    token,
  );
}

/**
 * @param {PublicJwk} jwk
 * @param {string} keyText
 */
function keyAdvice(jwk, keyText) {
  const line = `keys = { jwks = { keys = [{ ${Object.entries(jwk)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(", ")} }] } }`;
  return h(
    "div",
    { class: "advice" },
    h("h3", {}, "The public key"),
    h(
      "p",
      { class: "note" },
      "No gate accepts this key yet. To accept tokens like this one, add the line below and ",
      h("code", {}, `algorithms = ["${jwk.alg}"]`),
      " to the issuer in the gate’s policy. The private key cannot leave this page and is lost when you close the page.",
    ),
    h("pre", { class: "wire", tabindex: "0" }, h("code", {}, line)),
    h(
      "div",
      { class: "actions" },
      copyButton("Copy for the policy", () => line),
      copyButton("Copy as JWKS", () => keyText),
    ),
  );
}

function placeholder() {
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "The token"),
    h(
      "p",
      {},
      "The token appears here, with a curl command to send it and the public key to verify it.",
    ),
  );
}
