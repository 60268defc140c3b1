/** What callers saw over time, from k6's samples. run-k6.ts fills it; the report draws it. */
import { percentile } from "../percentile.ts";
import { PHASES } from "./plan.ts";

type Phase = (typeof PHASES)[number];

/** A second of a run; of a long one several seconds put together. */
export interface SecondOfLoad {
  /** Unix time in milliseconds. */
  atMs: number;
  /** Answers a second. */
  ok: number;
  failed: number;
  /** Over HTTP. */
  p50: number;
  p99: number;
  /** Medians, milliseconds. */
  phases: Partial<Record<Phase, number>>;
}

interface Bucket {
  ok: number;
  failed: number;
  http: number[];
  phases: Record<Phase, number[]>;
}

/** More than a plot has room for. */
const POINTS_MAX = 600;
const ascending = (a: number, b: number) => a - b;

export class SecondsOfLoad {
  readonly #buckets = new Map<number, Bucket>();
  #secondsEach = 1;

  add(metric: string, atMs: number, value: number): void {
    const bucket = this.#bucketAt(Math.floor(atMs / 1000));
    if (metric === "mayfly_failed") bucket[value === 0 ? "ok" : "failed"] += 1;
    if (metric === "http_req_duration") bucket.http.push(value);
    const phase = PHASES.find((name) => metric === `mayfly_${name}`);
    if (phase !== undefined) bucket.phases[phase].push(value);
  }

  list(): SecondOfLoad[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([second, { ok, failed, http, phases }]) => {
        http.sort(ascending);
        const medians = PHASES.filter((phase) => phases[phase].length > 0).map((phase) => [
          phase,
          percentile(phases[phase].sort(ascending), 0.5),
        ]);
        return {
          atMs: second * 1000,
          ok: ok / this.#secondsEach,
          failed: failed / this.#secondsEach,
          p50: percentile(http, 0.5),
          p99: percentile(http, 0.99),
          phases: Object.fromEntries(medians),
        };
      });
  }

  #bucketAt(second: number): Bucket {
    const start = second - (second % this.#secondsEach);
    const there = this.#buckets.get(start);
    if (there !== undefined) return there;
    if (this.#buckets.size >= POINTS_MAX) {
      this.#halve();
      return this.#bucketAt(second);
    }
    const bucket: Bucket = {
      ok: 0,
      failed: 0,
      http: [],
      phases: { queue: [], lease: [], init: [], run: [], total: [] },
    };
    this.#buckets.set(start, bucket);
    return bucket;
  }

  /** Half as many, each twice as long. */
  #halve(): void {
    const before = [...this.#buckets];
    this.#buckets.clear();
    this.#secondsEach *= 2;
    for (const [second, old] of before) {
      const bucket = this.#bucketAt(second);
      bucket.ok += old.ok;
      bucket.failed += old.failed;
      for (const ms of old.http) bucket.http.push(ms);
      for (const phase of PHASES) for (const ms of old.phases[phase]) bucket.phases[phase].push(ms);
    }
  }
}
