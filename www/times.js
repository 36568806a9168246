// Formats times in the browser's time zone.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @type {[unit: Intl.RelativeTimeFormatUnit, seconds: number][]} */
const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/**
 * Rounds toward zero to the largest unit that fits.
 *
 * @param {number} seconds
 * @returns {[count: number, unit: Intl.RelativeTimeFormatUnit]}
 */
function rounded(seconds) {
  const size = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, length]) => size >= length) ?? ["second", 1];
  return [Math.trunc(seconds / length), unit];
}

/**
 * For example "in 4 minutes" or "2 days ago".
 *
 * @param {number} seconds from now
 */
export function fromNow(seconds) {
  if (Math.abs(seconds) < 1) return "now";
  return relative.format(...rounded(seconds));
}

/**
 * For example "4 minutes".
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  const [count, unit] = rounded(Math.abs(seconds));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/**
 * Returns the local date and time, or `undefined` if the number is not a valid date.
 *
 * @param {number} seconds since the epoch
 */
export function localTime(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : exact.format(date);
}

/** Registered claims that are times (RFC 7519 section 4.1, OpenID Connect Core section 2). */
export const TIME_CLAIMS = new Set(["exp", "nbf", "iat", "auth_time", "updated_at"]);

/**
 * Whether a time is probably in milliseconds: read as seconds, it is after the year 5000.
 *
 * @param {unknown} value
 */
export const looksLikeMilliseconds = (value) => Number(value) > 100_000_000_000;
