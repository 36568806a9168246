// The section that mints tokens for local use.

import { byId, copyButton, fill, h, say } from "./dom.js";
import { gate, mintAtGate, now, Unavailable } from "./gate.js";
import { ALGORITHMS, localKey, sign } from "./signing.js";
import { asCurl, requestWith, samplePath } from "./question.js";
import { painted, parsed } from "./token.js";

const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (byId(id));

/** The signer that asks the Worker. */
const AT_GATE = "gate";

/** What becomes of a minted token: set by `start`. @type {{inspect: (token: string, key?: string) => void, use: (token: string) => void}} */
let then;

/** Wires the section. @param {typeof then} uses */
export function start(uses) {
  then = uses;
  for (const input of claimFields())
    input.addEventListener("input", () => writeClaim(input.dataset.claim ?? "", input.value));
  field("mint-expiry").addEventListener("input", writeTimes);
  field("mint-signer").addEventListener("input", () => (hasChosen = true));
  field("mint-claims").addEventListener("input", readClaims);
  byId("mint-form").addEventListener("submit", (event) => {
    event.preventDefault();
    mint();
  });
  fill(byId("minted"), placeholder());
  refresh();
}

/** Called when the gate's facts have come. */
export function refresh() {
  const signer = field("mint-signer");
  const chosen = hasChosen ? signer.value : "";
  const local = Object.entries(ALGORITHMS).map(([name, { label }]) =>
    h("option", { value: name }, `${name}: ${label}, a key made in this page`),
  );
  const demo = gate.facts?.mint
    ? [h("option", { value: AT_GATE }, "HS256: the demo secret, by the gate")]
    : [];
  fill(signer, ...demo, ...local);
  if ([.../** @type {any} */ (signer).options].some((option) => option.value === chosen))
    signer.value = chosen;
  const issuer = demoIssuer() ?? gate.issuers[0];
  if (touched) return;
  write({
    iss: issuer?.issuer[0] ?? "https://issuer.example/",
    aud: issuer?.audience[0] ?? "https://api.example.com",
    sub: "user-1",
    scope: "read",
  });
  writeTimes();
}

/** Whether a person has changed the claims, or the signer: facts that come late do not overwrite them. */
let touched = false;
let hasChosen = false;

const demoIssuer = () =>
  gate.facts?.mint ? gate.issuers.find(({ source }) => source === "secret") : undefined;
const claimFields = () =>
  /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("#mint-form [data-claim]")]);

/** @returns {Record<string, any> | null} */
const claims = () => parsed(field("mint-claims").value);

/** @param {Record<string, any>} value */
function write(value) {
  field("mint-claims").value = JSON.stringify(value, null, 2);
  readClaims();
}

/** @param {string} name @param {string} text */
function writeClaim(name, text) {
  const value = claims();
  touched = true;
  if (!value) return;
  if (text === "") delete value[name];
  else value[name] = text;
  field("mint-claims").value = JSON.stringify(value, null, 2);
}

function writeTimes() {
  const value = claims();
  if (!value) return;
  const seconds = Math.floor(now() / 1000);
  const wanted = field("mint-expiry").value;
  const { exp, iat, ...rest } = value;
  // A token that has expired was made before.
  const made = { ...rest, iat: Number(wanted) < 0 ? seconds + 2 * Number(wanted) : seconds };
  write(wanted === "" ? made : { ...made, exp: seconds + Number(wanted) });
}

function readClaims(/** @type {Event | undefined} */ event = undefined) {
  if (event) touched = true;
  const value = claims();
  byId("mint-note").textContent = value ? "" : "The claims are no JSON object.";
  for (const input of claimFields()) {
    const claim = value?.[input.dataset.claim ?? ""];
    input.value =
      typeof claim === "string" ? claim : claim === undefined ? "" : JSON.stringify(claim);
  }
}

async function mint() {
  const note = byId("mint-note");
  const text = field("mint-claims").value;
  const value = claims();
  if (!value) {
    note.textContent = "The claims are no JSON object.";
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
        : `This browser does not make a key for ${signer} here.`;
  }
}

/** @param {string} token @param {Record<string, any>} [jwk] the key it was signed with, if it was made here */
function showMinted(token, jwk) {
  const keyText = jwk ? JSON.stringify({ keys: [jwk] }, null, 2) : undefined;
  const inspectIt = h(
    "button",
    { type: "button", class: "primary", id: "mint-inspect" },
    "Inspect it",
  );
  inspectIt.addEventListener("click", () => then.inspect(token, keyText));
  const tryIt = h("button", { type: "button", id: "mint-try" }, "Try it");
  tryIt.addEventListener("click", () => then.use(token));
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
      h("code", {}, ...painted(token)),
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
  say("A token was minted.");
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

/** @param {Record<string, any>} jwk @param {string} keyText */
function keyAdvice(jwk, keyText) {
  const line = `keys = { jwks = { keys = [{ ${Object.entries(jwk)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(", ")} }] } }`;
  return h(
    "div",
    { class: "advice" },
    h("h3", {}, "Its public key"),
    h(
      "p",
      { class: "note" },
      "No gate knows this key yet. For one that should take such tokens, give the issuer in its policy this line and ",
      h("code", {}, `algorithms = ["${jwk.alg}"]`),
      ". The private half cannot leave this page, and is gone when it is closed.",
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
    h("p", {}, "It shows here, with a curl line to send it and the public key to verify it."),
  );
}
