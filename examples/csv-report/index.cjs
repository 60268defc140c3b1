/** Sums a CSV of orders by category and month. CommonJS, with a parser from npm. */
"use strict";
const { parse } = require("csv-parse/sync");

/**
 * Event: `{ csv: string }` with the columns order_id, date, category, quantity, unit_price, status.
 * Answer: revenue in cents (whole numbers: sums of fractions would depend on their order), without cancelled orders.
 */
exports.handler = async ({ csv }) => {
  const orders = parse(csv, { columns: true, skip_empty_lines: true });
  const byCategory = {};
  const byMonth = {};
  let cancelled = 0;
  let totalCents = 0;
  for (const order of orders) {
    if (order.status === "cancelled") {
      cancelled += 1;
      continue;
    }
    const cents = Math.round(Number(order.unit_price) * 100) * Number(order.quantity);
    const month = order.date.slice(0, 7);
    byCategory[order.category] = (byCategory[order.category] ?? 0) + cents;
    byMonth[month] = (byMonth[month] ?? 0) + cents;
    totalCents += cents;
  }
  console.log(`${orders.length} orders read`);
  return { orders: orders.length, cancelled, totalCents, byCategory, byMonth };
};
