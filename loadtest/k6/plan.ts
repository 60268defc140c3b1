/** What k6 is told: its own options, and what each of its scenarios calls. run-k6.ts hands it to script/invoke.ts. */
import type { Call, Load, PromiseMade } from "./scenarios.ts";

export interface PlannedCall {
  functions: string[];
  /** The share of calls that goes to a function or one before it; the last is 1. */
  cumulative: number[];
  event?: string;
  bytes?: number;
  /** As JSON; absent: the event. */
  answer?: string;
}

export interface Plan {
  url: string;
  /** As k6 takes them. */
  options: Record<string, unknown>;
  calls: Record<string, PlannedCall>;
  verdicts: readonly string[];
  phases: readonly string[];
}

/** Those of Server-Timing. */
export const PHASES = ["queue", "lease", "init", "run", "total"] as const;

/** Zipf's exponent of 1: the second function is called half as often as the first. */
const weightOf = (rank: number) => 1 / (rank + 1);

export function planOf(
  url: string,
  loads: Record<string, Load>,
  promises: PromiseMade[],
  verdicts: readonly string[],
): Plan {
  const entries = Object.entries(loads);
  /* A threshold that always holds makes k6 report a load's own figures. */
  const each: [string, string[]][] =
    entries.length > 1 ? entries.map(([name]) => [`http_req_duration{scenario:${name}}`, ["p(99)>=0"]]) : [];
  const thresholds: Record<string, string[]> = Object.fromEntries(each);
  for (const { metric, threshold, by } of promises)
    if (by !== "service") thresholds[metric] = [...(thresholds[metric] ?? []), threshold];
  return {
    url,
    options: {
      scenarios: Object.fromEntries(entries.map(([name, load]) => [name, executorOf(load)])),
      thresholds,
      summaryTrendStats: ["med", "p(95)", "p(99)", "max", "count"],
      discardResponseBodies: false,
      /* Everything else is the same for all: cost without a reader. */
      systemTags: ["scenario"],
    },
    calls: Object.fromEntries(entries.map(([name, { call }]) => [name, plannedCall(call)])),
    verdicts,
    phases: PHASES,
  };
}

function executorOf(load: Load): Record<string, unknown> {
  const { call: _, ...executor } = load;
  if (executor.executor !== "constant-arrival-rate") return { ...executor, gracefulStop: "30s" };
  const preAllocatedVUs = Math.min(executor.maxVUs, Math.max(5, executor.rate));
  return { ...executor, timeUnit: "1s", preAllocatedVUs, gracefulStop: "30s" };
}

function plannedCall({ functions, event, bytes, answer }: Call): PlannedCall {
  const weights = functions.map((_, rank) => weightOf(rank));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  let share = 0;
  const cumulative = weights.map((weight, i) => {
    share += weight / sum;
    return i === weights.length - 1 ? 1 : share;
  });
  return {
    functions,
    cumulative,
    ...(bytes === undefined ? { event: JSON.stringify(event ?? {}) } : { bytes }),
    ...(answer !== undefined && { answer: JSON.stringify(answer) }),
  };
}
