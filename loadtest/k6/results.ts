/** What one run of a scenario gave: summary.json, which `--against` reads again. */
import { z } from "zod";
import { PHASES } from "./plan.ts";
import type { K6Metrics } from "./run-k6.ts";

const promiseResult = z.object({
  says: z.string(),
  metric: z.string(),
  threshold: z.string(),
  /** Milliseconds of a trend, a share of a rate, else a count. Absent: nothing was measured. */
  measured: z.number().optional(),
  /** Null: the service showed no metrics to judge it by. */
  kept: z.boolean().nullable(),
});
export type PromiseResult = z.output<typeof promiseResult>;

export const summary = z.object({
  scenario: z.string(),
  startedAt: z.string(),
  k6: z.string(),
  machine: z.object({ cpus: z.number(), kernel: z.string() }),
  /** Milliseconds, counts and rates a second, by name. */
  figures: z.record(z.string(), z.number()),
  verdicts: z.record(z.string(), z.number()),
  promises: z.array(promiseResult),
  /** Of `ramp`. */
  sustainablePerSecond: z.number().optional(),
  saturated: z.array(z.object({ resource: z.string(), evidence: z.string() })),
});
export type Summary = z.output<typeof summary>;

export function figuresOf(metrics: K6Metrics): Record<string, number> {
  const figures: Record<string, number> = {
    invocations: metrics.iterations?.values.count ?? 0,
    "invocations a second": metrics.iterations?.values.rate ?? 0,
    dropped: metrics.dropped_iterations?.values.count ?? 0,
  };
  const trend = (name: string, title: string) => {
    const values = metrics[name]?.values;
    if (values === undefined || values.count === 0) return;
    for (const [key, word] of [
      ["med", "p50"],
      ["p(95)", "p95"],
      ["p(99)", "p99"],
      ["max", "max"],
    ] as const)
      if (values[key] !== undefined) figures[`${title} ${word}`] = values[key];
  };
  trend("http_req_duration", "http");
  for (const phase of [...PHASES].reverse()) trend(`mayfly_${phase}`, phase);
  for (const name of Object.keys(metrics)) {
    const [, load] = /^http_req_duration\{scenario:(.+)\}$/.exec(name) ?? [];
    if (load !== undefined) trend(name, load);
  }
  return figures;
}

export function verdictsOf(metrics: K6Metrics): Record<string, number> {
  const counts = Object.entries(metrics).flatMap(([name, { values }]): [string, number][] => {
    const [, verdict] = /^mayfly_verdict_(\w+)$/.exec(name) ?? [];
    return verdict === undefined || !values.count ? [] : [[verdict, values.count]];
  });
  return Object.fromEntries(counts);
}

export interface Change {
  figure: string;
  before: number;
  now: number;
  /** Now against before; undefined where before was nothing. */
  ratio: number | undefined;
}

export function compare(before: Summary, now: Summary): Change[] {
  return Object.entries(now.figures).flatMap(([figure, value]): Change[] => {
    const earlier = before.figures[figure];
    if (earlier === undefined) return [];
    return [{ figure, before: earlier, now: value, ratio: earlier === 0 ? undefined : value / earlier }];
  });
}
