import { expect, test } from "vitest";
import { metricsInPromql } from "./metrics-in-promql.ts";

test.each([
  ['up{job=~"a|b"} == 0 or absent(up{job="c"})', ["up"]],
  ["histogram_quantile(0.99, sum by (le) (rate(lease_bucket[5m])))", ["lease_bucket"]],
  ["sum(a) / (sum(b) > 0) > 14.4 * 0.001", ["a", "b"]],
  ["sum by (x, y) (a unless a offset 1h) > 0 and mayfly:faults:ratio > 1e-3", ["a", "mayfly:faults:ratio"]],
  ['max without (x) (a{b="c_d{e}"}) * on (f) group_left (g) h', ["a", "h"]],
  ["(sum(rate(a[5m])) or vector(0)) / b", ["a", "b"]],
])("metricsInPromql(%j) is %j", (expression, names) => {
  expect(metricsInPromql(expression)).toEqual(names);
});
