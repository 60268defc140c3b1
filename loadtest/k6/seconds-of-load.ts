/** What callers saw, second by second, from k6's samples. run-k6.ts fills it; the report draws it. */
import { percentile } from "../percentile.ts";
import { PHASES } from "./plan.ts";

type Phase = (typeof PHASES)[number];

export interface SecondOfLoad {
  /** Unix time in milliseconds. */
  atMs: number;
  ok: number;
  failed: number;
  totalP50: number;
  totalP99: number;
  /** Medians, milliseconds. */
  phases: Partial<Record<Phase, number>>;
}

interface Bucket {
  ok: number;
  failed: number;
  times: Record<Phase, number[]>;
}

export class SecondsOfLoad {
  readonly #buckets = new Map<number, Bucket>();

  add(metric: string, atMs: number, value: number): void {
    const second = Math.floor(atMs / 1000);
    let bucket = this.#buckets.get(second);
    if (bucket === undefined) {
      bucket = { ok: 0, failed: 0, times: { queue: [], lease: [], init: [], run: [], total: [] } };
      this.#buckets.set(second, bucket);
    }
    if (metric === "mayfly_failed") bucket[value === 0 ? "ok" : "failed"] += 1;
    const phase = PHASES.find((name) => metric === `mayfly_${name}`);
    if (phase !== undefined) bucket.times[phase].push(value);
  }

  list(): SecondOfLoad[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([second, { ok, failed, times }]) => {
        const sorted = Object.fromEntries(
          PHASES.map((phase) => [phase, times[phase].sort((a, b) => a - b)]),
        ) as Record<Phase, number[]>;
        const medians = PHASES.filter((phase) => sorted[phase].length > 0).map((phase) => [
          phase,
          percentile(sorted[phase], 0.5),
        ]);
        return {
          atMs: second * 1000,
          ok,
          failed,
          totalP50: percentile(sorted.total, 0.5),
          totalP99: percentile(sorted.total, 0.99),
          phases: Object.fromEntries(medians),
        };
      });
  }
}
