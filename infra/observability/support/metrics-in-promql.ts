/**
 * The names of the metrics that a PromQL expression reads. Not a parser: promtool says whether an expression is one;
 * this takes away what cannot be a metric and keeps the words that are left. For the tests of rules and dashboards.
 */

const KEYWORDS = new Set([
  "and",
  "or",
  "unless",
  "bool",
  "offset",
  "by",
  "without",
  "on",
  "ignoring",
  "inf",
  "nan",
]);
const STRINGS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g;
const SELECTORS = /\{[^{}]*\}/g;
const RANGES = /\[[^\]]*\]/g;
/** `by (a, b)`: labels; also before the brackets of an aggregation. */
const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g;
/** A name that `(` follows is a function; `offset 1h` and numbers do not begin like a name. */
const NAMES = /(?<![\w:.])[a-zA-Z_:][\w:]*(?!\w*\s*\()(?![\w:])/g;

export function metricsInPromql(expression: string): string[] {
  const bare = [STRINGS, SELECTORS, RANGES, LABEL_LISTS].reduce(
    (text, pattern) => text.replaceAll(pattern, " "),
    expression,
  );
  const names = [...bare.matchAll(NAMES)].map(([name]) => name);
  return [...new Set(names)].filter((name) => !KEYWORDS.has(name.toLowerCase()));
}
