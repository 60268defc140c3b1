/** From single times to what is reported of them. */
import { percentile } from "../percentile.ts";
import type { Refusal, Timing } from "./results.ts";

/** To the microsecond: more digits would pretend. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** Of at least one time, in milliseconds, in any order. */
export function timingOf(times: number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    p50Ms: rounded(percentile(sorted, 0.5)),
    p99Ms: rounded(percentile(sorted, 0.99)),
    n: sorted.length,
  };
}

/** Undefined for a contender that was refused or did not take part. */
export const medianOf = (result: Timing | Refusal | undefined): number | undefined =>
  result !== undefined && "p50Ms" in result ? result.p50Ms : undefined;

/** How many times longer `other` took; undefined when one of the two has no time. */
export function ratio(
  other: Timing | Refusal | undefined,
  own: Timing | Refusal | undefined,
): number | undefined {
  const [above, below] = [medianOf(other), medianOf(own)];
  return above === undefined || below === undefined || below === 0 ? undefined : above / below;
}
