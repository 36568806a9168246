// The results as Markdown.

import { ALGORITHMS_AND_KEYS } from "./corpus/algorithms.mjs";
import { SIGNATURES } from "./corpus/signatures.mjs";

/** @import { Case } from "./kit.mjs" */
/** @import { Outcome } from "./run.mjs" */
/** @import { Subject } from "./subjects.mjs" */

/** @typedef {{subject: Subject, outcomes: Outcome[] | undefined}} Result */
/** @typedef {{one: Case, index: number}} Numbered */

/** The classes whose tokens were not signed as the configured key and algorithm require. */
const FORGED = [ALGORITHMS_AND_KEYS, SIGNATURES];

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
export function report(cases, results) {
  return [
    "# Strictness side by side",
    introduction(cases, results),
    "## Results by class",
    byClass(cases, results),
    "## Cases that a subject got wrong",
    wrong(cases, results),
    "## Undocumented errors",
    undocumented(cases, results),
    "## Differences of policy",
    policies(cases, results),
    "## What Portcullis rejects beyond the standard",
    beyond(cases, results),
    "## The subjects",
    versions(results),
  ].join("\n\n");
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function introduction(cases, results) {
  const count = (/** @type {string} */ verdict) =>
    cases.filter((one) => one.verdict === verdict).length;
  const ran = results.filter(({ outcomes }) => outcomes);
  const skipped = results.filter(({ outcomes }) => !outcomes);
  const forgeries = ran.flatMap(({ subject, outcomes }) =>
    numbered(cases).filter(
      ({ one, index }) =>
        FORGED.includes(one.class) &&
        applies(subject, one) &&
        isWronglyAccepted(one, outcomes?.[index]),
    ),
  );
  return [
    `\`cargo xtask bench strictness\` made ${cases.length.toLocaleString("en")} tokens on ${new Date().toISOString().slice(0, 10)}, gave each to ${ran.length} subjects that were configured for the same issuer, audience and algorithm, and compared what they did with what the standard says: ${count("accept")} tokens must be accepted, ${count("reject")} must be rejected, and ${count("either")} may be either.`,
    ...(skipped.length > 0
      ? [
          `Not run: ${skipped.map(({ subject }) => `${subject.name} (${subject.skipped})`).join(", ")}.`,
        ]
      : []),
    "",
    "How to read this:",
    "",
    ...(forgeries.length === 0
      ? [
          `* No subject accepted a forged token: nothing in the classes ${FORGED.map((name) => `*${name}*`).join(" and ")} was wrongly accepted. To make use of any wrong acceptance below, one needs the issuer's key, or a valid token whose text can be altered without its meaning.`,
        ]
      : []),
    "* The corpus was written by the authors of Portcullis. Its classes are what we thought of, and a number of cases is not a measure of danger. The verdicts are the RFCs', each with its section; if you read a section differently, please tell us.",
    "* Where a standard says *may*, says nothing, or leaves the choice to the application, the case is not counted as wrong. It is listed under *Differences of policy*.",
    "* Times in the tokens are relative to the real clock, and far enough from it that the verdicts do not depend on the moment. No subject has a tolerance for clocks.",
    "* A subject *threw something undocumented* if it failed with an error that its documentation does not announce for a token, such as a `TypeError`. It has not accepted the token, but the caller may not expect this error.",
  ].join("\n");
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function byClass(cases, results) {
  const ran = results.filter(({ outcomes }) => outcomes);
  const classes = [...new Set(cases.map((one) => one.class))];
  const rows = [...classes, "all"].map((name) => {
    const all = numbered(cases).filter(({ one }) => name === "all" || one.class === name);
    const cells = ran.map(({ subject, outcomes }) => {
      const own = all.filter(({ one }) => applies(subject, one));
      if (own.length === 0) return "n/a";
      const counts = [isWronglyAccepted, isWronglyRejected, isUndocumented].map(
        (is) => own.filter(({ one, index }) => is(one, outcomes?.[index])).length,
      );
      return counts.every((count) => count === 0) ? "0" : counts.join(" / ");
    });
    return [name === "all" ? "**all**" : name, String(all.length), ...cells];
  });
  return [
    "Each cell is the number of tokens *wrongly accepted / wrongly rejected / for which something undocumented was thrown*, or 0 if all three are 0. Cases with an algorithm that a subject does not support, or of a claim that it does not check, are not counted for it (n/a if these are all).",
    "",
    table(["class", "tokens", ...ran.map(({ subject }) => subject.name)], rows),
  ].join("\n");
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function wrong(cases, results) {
  const rows = grouped(cases, ({ one, index }) => {
    const names = (/** @type {typeof isWronglyAccepted} */ is) =>
      results
        .filter(
          ({ subject, outcomes }) => outcomes && applies(subject, one) && is(one, outcomes[index]),
        )
        .map(({ subject }) => subject.name)
        .join(", ");
    return names(one.verdict === "accept" ? isWronglyRejected : isWronglyAccepted);
  }).map(({ one, cases: all, result }) => [
    one.class,
    all,
    one.verdict,
    `${one.section}: ${one.why}`,
    result,
  ]);
  if (rows.length === 0) return "None.";
  return [
    "Each row is one or more tokens that the subjects in the last column did not judge as the standard says. The key is an HS256 secret unless a row says otherwise.",
    "",
    table(["class", "tokens", "the standard", "because", "who differs"], rows),
  ].join("\n");
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function undocumented(cases, results) {
  const rows = results.flatMap(({ subject, outcomes }) => {
    /** @type {Map<string, Case[]>} */
    const byError = new Map();
    for (const { one, index } of numbered(cases)) {
      const outcome = outcomes?.[index];
      if (!applies(subject, one) || !isUndocumented(one, outcome)) continue;
      const error = outcome?.error ?? "";
      byError.set(error, [...(byError.get(error) ?? []), one]);
    }
    return [...byError].map(([error, all]) => {
      const names = [...new Set(all.map((one) => `${one.class}: ${one.title}`))];
      const more = names.length > 6 ? `; and ${names.length - 6} more` : "";
      return [subject.name, error, String(all.length), plain(names.slice(0, 6).join("; ")) + more];
    });
  });
  if (rows.length === 0) return "None.";
  return table(["subject", "error", "tokens", "cases"], rows);
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function policies(cases, results) {
  const open = numbered(cases).filter(({ one }) => one.verdict === "either");
  const verdicts = (/** @type {Numbered} */ { one, index }) => {
    const those = results.filter(({ subject, outcomes }) => outcomes && applies(subject, one));
    const names = (/** @type {boolean} */ accepted) =>
      those
        .filter(({ outcomes }) => outcomes?.[index]?.accepted === accepted)
        .map(({ subject }) => subject.name)
        .join(", ");
    return { accepted: names(true), rejected: names(false) };
  };
  const differing = open.filter((one) => {
    const { accepted, rejected } = verdicts(one);
    return accepted !== "" && rejected !== "";
  });
  const indices = new Set(differing.map(({ index }) => index));
  const rows = grouped(cases, (one) => {
    if (!indices.has(one.index)) return "";
    const { accepted, rejected } = verdicts(one);
    return `${accepted}|${rejected}`;
  }).map(({ one, cases: all, result }) => [
    one.class,
    all,
    `${one.section}: ${one.why}`,
    ...result.split("|"),
  ]);
  return [
    `In ${differing.length} of the ${open.length} cases that the standard leaves open, the subjects differ. Neither side is wrong.`,
    "",
    table(["class", "tokens", "what the standard says", "accepted by", "rejected by"], rows),
  ].join("\n");
}

/**
 * @param {Case[]} cases
 * @param {Result[]} results
 */
function beyond(cases, results) {
  const own = results.find(({ subject }) => subject.name === "Portcullis")?.outcomes;
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const { one, index } of numbered(cases)) {
    const outcome = own?.[index];
    if (one.verdict === "reject" || outcome?.accepted !== false) continue;
    const reason = `${one.section}: ${one.why}|${outcome.error}`;
    const titles = groups.get(reason) ?? [];
    if (!titles.includes(one.title)) titles.push(one.title);
    groups.set(reason, titles);
  }
  const rows = [...groups].map(([reason, titles]) => [
    plain(titles.join("; ")),
    ...reason.split("|"),
  ]);
  return [
    "The standard lets a verifier accept these tokens. Portcullis rejects them on purpose, because parsers read them differently, or because a gate should not guess what they mean. A provider that issues such tokens does not work with Portcullis, except that a policy can allow other types (`types`), tokens without `exp` (`expiry`), and differences between clocks (`leeway`).",
    "",
    table(["tokens", "what the standard says", "reason code"], rows),
  ].join("\n");
}

/** @param {Result[]} results */
function versions(results) {
  const rows = results.map(({ subject: { name, version, configured, note = "", skipped } }) => [
    name,
    version,
    skipped ? `not run: ${skipped}` : configured,
    note,
  ]);
  return [
    table(["subject", "version", "configuration", "note"], rows),
    "",
    `JavaScript ran in Node ${process.versions.node}. The packages are pinned in \`package-lock.json\`, \`benches/strictness/python/requirements.txt\` and \`benches/strictness/native/Cargo.lock\`.`,
  ].join("\n");
}

/**
 * Whether a subject supports what a case needs.
 *
 * @param {Subject} subject
 * @param {Case} one
 */
export function applies({ lacks = [] }, one) {
  return !lacks.some((name) => one.class === name || one.key.startsWith(name));
}

/**
 * @param {Case} one
 * @param {Outcome | undefined} outcome
 */
export function isWronglyAccepted(one, outcome) {
  return one.verdict === "reject" && outcome?.accepted === true;
}

/**
 * @param {Case} one
 * @param {Outcome | undefined} outcome
 */
export function isWronglyRejected(one, outcome) {
  return one.verdict === "accept" && outcome?.accepted === false;
}

/**
 * @param {Case} _one
 * @param {Outcome | undefined} outcome
 */
export function isUndocumented(_one, outcome) {
  return outcome?.undocumented === true;
}

/**
 * @param {Case[]} cases
 * @returns {Numbered[]}
 */
function numbered(cases) {
  return cases.map((one, index) => ({ one, index }));
}

/**
 * The cases for which a function returns a text, in groups: by class, by what the standard says, and
 * by that text.
 *
 * @param {Case[]} cases
 * @param {(one: Numbered) => string} result
 */
function grouped(cases, result) {
  /** @type {Map<string, {one: Case, titles: Map<string, string[]>, result: string}>} */
  const groups = new Map();
  for (const numberedCase of numbered(cases)) {
    const { one } = numberedCase;
    const text = result(numberedCase);
    if (text === "") continue;
    const name = [one.class, one.verdict, one.section, one.why, text].join("\n");
    const group = groups.get(name) ?? { one, titles: new Map(), result: text };
    group.titles.set(one.title, [...(group.titles.get(one.title) ?? []), one.key]);
    groups.set(name, group);
  }
  return [...groups.values()].map(({ titles, ...group }) => ({ ...group, cases: listed(titles) }));
}

/**
 * The titles of cases, each with its keys, unless HS256 is the only one.
 *
 * @param {Map<string, string[]>} titles
 */
function listed(titles) {
  /** @type {Map<string, string[]>} */
  const byKeys = new Map();
  for (const [title, keys] of titles) {
    const names = keys.join(", ");
    byKeys.set(names, [...(byKeys.get(names) ?? []), title]);
  }
  const all = [...byKeys].map(([keys, those]) => {
    const text = those.join("; ");
    return keys === "HS256" ? text : `${keys}: ${text}`;
  });
  return plain(all.join(". "));
}

/**
 * A text without meaning in Markdown.
 *
 * @param {string} text
 */
function plain(text) {
  return text.replace(/[\\`*_<[\]]/g, "\\$&").replace(/\s+/g, " ");
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  const escaped = (/** @type {string} */ text) => text.replaceAll("|", "\\|");
  const line = (/** @type {string[]} */ cells) => `| ${cells.map(escaped).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
