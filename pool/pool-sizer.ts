/**
 * How many sandboxes of one pool to keep parked, from what was observed: pure arithmetic, given the time. autosizer.ts
 * asks; warm-pool.ts reports leases and how long making a sandbox took.
 *
 *   wanted = arrival rate × time to make one          Little's law: so many are being made at any moment
 *          + the largest burst of the last minutes    so many are asked for before the first of them is replaced
 *
 * A rate alone would leave a function that is called a hundred times at once, every minute, with a pool of one.
 */

/** Leases this close together are a burst: making a sandbox takes some tens of milliseconds. */
const BURST_WINDOW_MS = 100;
/** How long a burst is remembered: bursts that come every few minutes find their sandboxes. */
const BURST_MEMORY_MS = 300_000;
/** Bursts are remembered as the largest of each such stretch. */
const STRETCH_MS = 10_000;
/** The arrival rate is an average with this time constant, weighted towards now. */
const RATE_WINDOW_MS = 10_000;
/** Sandboxes in the making on average: the rest of a rate that has long ended. */
const NEGLIGIBLE = 0.05;
/** Of a new measurement in the average time to make a sandbox. */
const REFILL_WEIGHT = 0.1;
/** Until one was measured. */
const FIRST_REFILL_MS = 20;

export type SizeReason = "floor" | "rate" | "ceiling";

export interface SizeWish {
  wanted: number;
  reason: SizeReason;
  ratePerSecond: number;
  refillMs: number;
  burst: number;
}

export interface PoolBounds {
  /** Kept parked however idle it is. */
  floor: number;
  /** Never more than this, however busy. */
  ceiling: number;
}

export class PoolSizer {
  readonly bounds: PoolBounds;
  #rate = 0;
  #ratedAtMs: number;
  #refillMs = FIRST_REFILL_MS;
  /** Times of the leases of the last BURST_WINDOW_MS. */
  #recent: number[] = [];
  /** Stretch number → the largest burst in it. */
  readonly #bursts = new Map<number, number>();

  constructor(bounds: PoolBounds, nowMs: number) {
    this.bounds = bounds;
    this.#ratedAtMs = nowMs;
  }

  /** Somebody asked for a sandbox. */
  arrived(nowMs: number): void {
    this.#decay(nowMs);
    this.#rate += 1000 / RATE_WINDOW_MS;
    const first = this.#recent.findIndex((at) => at > nowMs - BURST_WINDOW_MS);
    this.#recent = first < 0 ? [nowMs] : [...this.#recent.slice(first), nowMs];
    const stretch = Math.floor(nowMs / STRETCH_MS);
    this.#bursts.set(stretch, Math.max(this.#bursts.get(stretch) ?? 0, this.#recent.length));
  }

  /** Making a sandbox took this long. */
  refilled(tookMs: number): void {
    this.#refillMs += (tookMs - this.#refillMs) * REFILL_WEIGHT;
  }

  wish(nowMs: number): SizeWish {
    this.#decay(nowMs);
    const oldest = Math.floor((nowMs - BURST_MEMORY_MS) / STRETCH_MS);
    for (const stretch of this.#bursts.keys()) if (stretch < oldest) this.#bursts.delete(stretch);
    const burst = Math.max(0, ...this.#bursts.values());
    const { floor, ceiling } = this.bounds;
    const inMaking = (this.#rate * this.#refillMs) / 1000;
    const needed = (inMaking < NEGLIGIBLE ? 0 : Math.ceil(inMaking)) + burst;
    const wanted = Math.min(ceiling, Math.max(floor, needed));
    const reason = needed <= floor ? "floor" : needed > ceiling ? "ceiling" : "rate";
    return { wanted, reason, ratePerSecond: this.#rate, refillMs: this.#refillMs, burst };
  }

  #decay(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#ratedAtMs);
    this.#rate *= Math.exp(-elapsedMs / RATE_WINDOW_MS);
    this.#ratedAtMs = nowMs;
  }
}
