// Quantiles, and the formats of numbers.

/**
 * @param {ArrayLike<number>} numbers
 * @param {number} share
 */
export function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** @param {ArrayLike<number>} numbers */
export const median = (numbers) => quantile(numbers, 0.5);

/**
 * The median of what `combine` returns for each pair of numbers.
 *
 * @param {number[]} numbers
 * @param {number[]} others
 * @param {(number: number, other: number) => number} combine
 */
export const medianOfPairs = (numbers, others, combine) =>
  median(numbers.map((number, index) => combine(number, others[index] ?? Number.NaN)));

/**
 * A table in Markdown whose columns are right-aligned except the first.
 *
 * @param {string[]} columns
 * @param {string[][]} rows
 */
export function table(columns, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [
    line(columns),
    line(columns.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...rows.map(line),
  ].join("\n");
}

/** @param {number} number */
export const whole = (number) => Math.round(number).toLocaleString("en-US");
/** @param {number} number */
export const ratio = (number) => number.toFixed(2);
