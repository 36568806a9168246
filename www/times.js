// Times as people read them: in the browser's own zone and words.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** The largest unit that fits, and how many of it. @param {number} seconds @returns {[number, Intl.RelativeTimeFormatUnit]} */
function rounded(seconds) {
  const size = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, length]) => size >= length) ?? ["second", 1];
  return [Math.trunc(seconds / length), /** @type {Intl.RelativeTimeFormatUnit} */ (unit)];
}

/** "in 4 minutes", "2 days ago". @param {number} seconds from now */
export function fromNow(seconds) {
  if (Math.abs(seconds) < 1) return "now";
  return relative.format(...rounded(seconds));
}

/** "4 minutes". @param {number} seconds */
export function lasting(seconds) {
  const [count, unit] = rounded(Math.abs(seconds));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** The local date and time of seconds since the epoch; nothing where that is no date. @param {number} seconds */
export function local(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : exact.format(date);
}

/** Registered claims that are times (RFC 7519 section 4.1, OpenID Connect Core section 2). */
export const TIME_CLAIMS = new Set(["exp", "nbf", "iat", "auth_time", "updated_at"]);

/** Milliseconds, most likely: as seconds it lies past the year 5000. @param {number} value */
export const looksLikeMilliseconds = (value) => value > 100_000_000_000;
