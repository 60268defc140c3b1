/**
 * Writes orders.csv, the report's input: `node make-orders.mjs > orders.csv`. The same at each run (a small
 * generator with a fixed seed), so that the report's totals can be checked.
 */
const CATEGORIES = [
  ["books", 4.5, 48],
  ["garden, outdoor", 9, 220],
  ['"home" & kitchen', 6, 180],
  ["music", 7.99, 35],
  ["toys", 3, 90],
  ["electronics", 15, 1200],
];
const STATUSES = ["paid", "paid", "paid", "shipped", "shipped", "cancelled"];

let state = 20_240_101;
/** Numerical Recipes' linear congruential generator: 0 ≤ x < 1. */
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const quote = (text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

console.log("order_id,date,category,quantity,unit_price,status");
const start = Date.UTC(2024, 0, 1);
for (let id = 1; id <= 5000; id++) {
  const day = new Date(start + Math.floor(random() * 366) * 86_400_000).toISOString().slice(0, 10);
  const [category, low, high] = pick(CATEGORIES);
  const price = (low + random() ** 3 * (high - low)).toFixed(2);
  console.log(
    [
      `A-${100_000 + id}`,
      day,
      quote(category),
      1 + Math.floor(random() ** 2 * 6),
      price,
      pick(STATUSES),
    ].join(","),
  );
}
