// The section that shows the keys and the policy.

import { byId, copyButton, fill, h } from "./dom.js";
import { gate } from "./gate.js";
import { faultList } from "./inspect.js";
import { duration } from "./times.js";
import { renderJson, withVisibleCharacters } from "./token.js";

/** @import { Policy } from "../policy.d.ts" */
/** @import { Introspection, Facts, Issuer } from "../console/page.d.ts" */

/** Called when loading the facts has succeeded or failed. */
export function refresh() {
  const { facts, problem } = gate;
  if (!facts)
    return fill(byId("keys-body"), h("p", { class: "empty" }, problem ?? "The policy is loading."));
  fill(
    byId("keys-body"),
    findings(facts),
    ...gate.issuers.map(issuerCard),
    facts.secrets.length > 0 && secretsCard(facts.secrets),
    facts.policy && policyCard(facts.policy),
  );
}

/** @param {Facts} facts */
function findings({ faults, warnings }) {
  if (faults.length === 0 && warnings.length === 0)
    return h("p", { class: "notice passed" }, "The policy has no faults and no warnings.");
  return h(
    "div",
    { class: "findings" },
    faults.length > 0 &&
      h(
        "div",
        { class: "card fault-card" },
        h("h2", {}, counted(faults.length, "fault")),
        h(
          "p",
          { class: "note" },
          "The gate answers every request with 500 until the policy has no faults.",
        ),
        faultList(faults),
      ),
    warnings.length > 0 &&
      h(
        "div",
        { class: "card warning-card" },
        h("h2", {}, counted(warnings.length, "warning")),
        faultList(warnings),
      ),
  );
}

/**
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** @type {Record<string, string>} */
const SOURCES = {
  secret: "shared secret",
  pem: "PEM, from a binding",
  jwks: "key set, from the policy or a binding",
  jwks_uri: "key set, fetched",
  discovery: "key set, found by discovery",
};

/** @param {Issuer} issuer */
function issuerCard(issuer) {
  return h(
    "div",
    { class: "card issuer-card" },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, issuer.name),
      h(
        "span",
        { class: "aside" },
        onlyIntrospects(issuer)
          ? "no keys, introspected"
          : (SOURCES[issuer.source] ?? issuer.source),
      ),
    ),
    h(
      "dl",
      { class: "facts" },
      fact("Issuer", issuer.issuer),
      fact("Audience", issuer.audience),
      fact("Algorithms", [issuer.algorithms.join(", ")]),
      issuer.url && fact("Fetched from", [issuer.url]),
      issuer.url && fact("Fetched", [freshness(issuer)]),
      issuer.introspection && fact("Introspects", introspection(issuer.introspection)),
      fact("Leeway", [`${issuer.leeway} seconds`]),
    ),
    issuer.keys.length > 0 ? keyTable(issuer) : h("p", { class: "empty" }, withoutKeys(issuer)),
    issuer.skipped.length > 0 && skippedList(issuer.skipped),
  );
}

/** @param {Issuer} issuer */
const onlyIntrospects = (issuer) => issuer.introspection !== null && issuer.algorithms.length === 0;

/** @param {Introspection} introspection */
function introspection({ endpoint, client_id: client, cache, tokens, signed }) {
  const which = tokens === "all" ? "all tokens" : "opaque tokens";
  const responses = signed ? "signed responses" : "responses";
  return [endpoint, `${which}, as ${client}; ${responses} are used for ${cache} seconds`];
}

/** @param {Issuer} issuer */
function withoutKeys(issuer) {
  if (onlyIntrospects(issuer)) return "The gate asks the provider about each token.";
  return issuer.source === "secret"
    ? "The secret is not shown."
    : "No keys have been fetched yet. The first token from this issuer makes the gate fetch them.";
}

/** @param {Issuer} issuer */
function freshness({ age_seconds: age, refresh_seconds: next }) {
  if (age === null) return "not yet";
  const then =
    next === null
      ? ""
      : next > 0
        ? `, again in ${duration(next)} at the earliest`
        : ", due to be fetched again";
  return `${age < 1 ? "just now" : `${duration(age)} ago`}${then}`;
}

/**
 * @param {string} label
 * @param {string[]} values
 */
function fact(label, values) {
  return h(
    "div",
    {},
    h("dt", {}, label),
    h(
      "dd",
      {},
      values.flatMap((value, index) => [index > 0 && h("br"), ...withVisibleCharacters(value)]),
    ),
  );
}

/** @param {Issuer} issuer */
function keyTable({ keys, name }) {
  const titles = ["Key (kid)", "Algorithms", "Kind", "Thumbprint (RFC 7638)"];
  return h(
    "table",
    { "aria-label": `Keys of ${name}` },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        titles.map((title) => h("th", { scope: "col" }, title)),
      ),
    ),
    h(
      "tbody",
      {},
      keys.map((key) =>
        h(
          "tr",
          {},
          h(
            "th",
            { scope: "row" },
            key.kid === null
              ? h("span", { class: "aside" }, key.name)
              : h("code", {}, ...withVisibleCharacters(key.kid)),
          ),
          h("td", { "data-label": titles[1] }, key.algorithms.join(", ")),
          h("td", { "data-label": titles[2] }, key.kind, key.bits ? `, ${key.bits} bits` : ""),
          h(
            "td",
            { "data-label": titles[3] },
            key.thumbprint
              ? h("code", {}, key.thumbprint)
              : h("span", { class: "aside" }, "none: the key is a secret"),
          ),
        ),
      ),
    ),
  );
}

/** @param {Issuer["skipped"]} skipped */
function skippedList(skipped) {
  return h(
    "div",
    { class: "left-out" },
    h("h3", {}, `${counted(skipped.length, "key")} skipped`),
    h(
      "ul",
      {},
      skipped.map(({ index, why }) => h("li", {}, h("code", {}, `keys[${index}]`), ` ${why}`)),
    ),
  );
}

/** @param {string[]} names */
function secretsCard(names) {
  return h(
    "div",
    { class: "card" },
    h("h2", {}, "Secrets"),
    h(
      "p",
      {},
      "The gate has the following secrets and never shows their values: ",
      names.flatMap((name, index) => [index > 0 && ", ", h("code", {}, name)]),
      ".",
    ),
  );
}

/** @param {Policy} policy */
function policyCard(policy) {
  const text = JSON.stringify(policy);
  return h(
    "div",
    { class: "card policy-card" },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, "Policy"),
      copyButton("Copy", () => JSON.stringify(policy, null, 2)),
    ),
    h("details", {}, h("summary", {}, "As the gate reads it"), renderJson(text)),
  );
}
