/** Whether a run kept what its scenario promises: k6 judges its thresholds, here the service's counters are. For main.ts. */
import type { PromiseResult } from "./results.ts";
import type { K6Metrics } from "./run-k6.ts";
import type { PromiseMade } from "./scenarios.ts";

/** How much a counter of the service grew; undefined when it was not to be read. */
export type IncreaseOf = (metric: string) => number | undefined;

export function judgePromises(
  promises: PromiseMade[],
  metrics: K6Metrics,
  increaseOf: IncreaseOf,
): PromiseResult[] {
  return promises.map((promise) =>
    promise.by === "service" ? judgeIncrease(promise, increaseOf) : judgeThreshold(promise, metrics),
  );
}

/** k6 keeps thresholds of a trend that nothing was measured in. We do not: nothing answered is nothing kept. */
function judgeThreshold({ says, metric, threshold }: PromiseMade, metrics: K6Metrics): PromiseResult {
  const [, stat = ""] = /^([a-z]+(?:\(\d+\))?)/.exec(threshold) ?? [];
  const { values = {}, thresholds = {} } = metrics[metric] ?? {};
  const isEmpty = stat !== "count" && values.count === 0;
  const measured = isEmpty ? undefined : values[stat];
  return {
    says,
    metric,
    threshold,
    kept: !isEmpty && thresholds[threshold]?.ok === true,
    ...(measured !== undefined && { measured }),
  };
}

function judgeIncrease({ says, metric, threshold }: PromiseMade, increaseOf: IncreaseOf): PromiseResult {
  const [, operator, limit] = /^increase(==|>=)(\d+)$/.exec(threshold) ?? [];
  if (operator === undefined) throw new Error(`${says}: "${threshold}" is no condition of a counter`);
  const measured = increaseOf(metric);
  if (measured === undefined) return { says, metric, threshold, kept: null };
  const kept = operator === "==" ? measured === Number(limit) : measured >= Number(limit);
  return { says, metric, threshold, measured, kept };
}
