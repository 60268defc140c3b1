/**
 * Finds the highest rate that the service sustains, in an open model: arrivals come whether or not earlier ones are
 * answered. Rates grow by a factor until one breaks twice, then two rates between the last good one and the broken one
 * are tried. Once is not enough: a virtual machine whose host is busy elsewhere for a moment breaks any rate.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { K6Metrics, K6Run } from "./run-k6.ts";
import type { Load } from "./scenarios.ts";
import { RAMP } from "./scenarios.ts";

export interface RampStep {
  rate: number;
  /** Answered a second, and what callers saw. */
  achieved: number;
  p50: number;
  p99: number;
  failed: number;
  dropped: number;
  /** Share of the machine's CPUs that k6 took. */
  generatorCpu: number;
  /** It could not send what was due: the step says nothing about the service. */
  isGeneratorShort: boolean;
  /** Undefined: it was sustained. */
  broken: string | undefined;
  fromMs: number;
  toMs: number;
}

/** So that it ends within two minutes. */
const STEPS_MAX = 12;
const BISECTIONS = 2;
/** For the pool to fill, and what waits to be answered. */
const REST_MS = 1_500;
/** Fewer of the arrivals that were due: k6 itself had no time to send them. */
const SENT_MIN = 0.95;

export const rampLoad = (rate: number, seconds: number): Record<string, Load> => ({
  [`rate-${rate}`]: {
    executor: "constant-arrival-rate",
    call: RAMP.call,
    rate,
    duration: `${seconds}s`,
    /* When as many wait as arrive in a second, the promised p99 is long broken. */
    maxVUs: Math.min(600, Math.max(50, rate)),
  },
});

export function judgeStep(
  rate: number,
  seconds: number,
  metrics: K6Metrics,
): Omit<RampStep, "fromMs" | "toMs" | "generatorCpu"> {
  const total = metrics.http_req_duration?.values ?? {};
  const all = metrics.iterations?.values.count ?? 0;
  const failed = Math.round((metrics.mayfly_failed?.values.rate ?? 1) * all);
  const dropped = metrics.dropped_iterations?.values.count ?? 0;
  const [p50, p99] = [total.med ?? 0, total["p(99)"] ?? 0];
  const isGeneratorShort = all > 0 && all + dropped < rate * seconds * SENT_MIN;
  const faults = [
    all === 0 && "nothing was answered",
    isGeneratorShort && `k6 sent only ${all} of ${rate * seconds}: the load generator is at its limit`,
    failed > 0 && `${failed} failed`,
    dropped > 0 && `${dropped} arrivals met no free caller: answers take too long`,
    p99 > RAMP.p99Ms && `p99 above ${RAMP.p99Ms} ms`,
  ].filter((fault) => fault !== false);
  return {
    rate,
    achieved: (all - failed) / seconds,
    p50,
    p99,
    failed,
    dropped,
    isGeneratorShort,
    broken: faults.join(", ") || undefined,
  };
}

/** `run`: one step's load. `tell` is told of each step as soon as it is over. */
export async function ramp(
  run: (load: Record<string, Load>) => Promise<K6Run>,
  {
    firstRate = RAMP.firstRate,
    seconds = RAMP.stepSeconds,
    restMs = REST_MS,
  }: { firstRate?: number; seconds?: number; restMs?: number },
  tell: (step: RampStep) => void,
): Promise<{ steps: RampStep[]; runs: K6Run[]; sustainable: number }> {
  const steps: RampStep[] = [];
  const runs: K6Run[] = [];
  const sustains = async (rate: number): Promise<boolean> => (await take(rate)) || (await take(rate));
  const take = async (rate: number): Promise<boolean> => {
    const fromMs = Date.now();
    const done = await run(rampLoad(rate, seconds));
    runs.push(done);
    const step = {
      ...judgeStep(rate, seconds, done.metrics),
      fromMs,
      toMs: Date.now(),
      generatorCpu: done.cpuShare,
    };
    steps.push(step);
    tell(step);
    await pause(restMs);
    return step.broken === undefined;
  };

  let good = 0;
  let bad: number | undefined;
  for (let rate = firstRate; steps.length < STEPS_MAX; rate = Math.ceil(rate * RAMP.growth)) {
    if (await sustains(rate)) good = rate;
    else {
      bad = rate;
      break;
    }
  }
  for (
    let i = 0;
    i < BISECTIONS && steps.length < STEPS_MAX && bad !== undefined && good > 0 && bad - good > 1;
    i++
  ) {
    const between = Math.round((good + bad) / 2);
    if (await sustains(between)) good = between;
    else bad = between;
  }
  return { steps, runs, sustainable: good };
}
