/**
 * Sizes all pools of a worker, four times a second: upwards at once, downwards one sandbox at a time, so that an idle
 * minute does not throw away what the next one needs and removing never comes in bunches. sandbox-pools.ts builds it.
 *
 * Memory pressure takes every pool to its floor. CPU pressure does not change sizes, but lets only one sandbox be made
 * at a time, so that refilling competes less with what runs; leases that wait are served as before.
 */
import type { PoolDecision, PoolSizeReason } from "../contract/index.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type MachinePressure, NO_PRESSURE, readMachinePressure } from "./machine-pressure.ts";
import type { PoolSizer } from "./pool-sizer.ts";
import { shareBudget } from "./share-budget.ts";

/** What the autosizer needs of a pool: WarmPool. */
export interface SizedPool {
  readonly sizer: PoolSizer;
  readonly target: number;
  resize(target: number, decision: PoolDecision): void;
  setMaxStarting(count: number): void;
  /** Destroys one parked sandbox above the target. */
  retireSurplus(): void;
  /** Of one parked sandbox, if there is one; reads files. */
  measureParkedBytes(): number | undefined;
}

export interface AutosizerOptions {
  /** What all parked sandboxes together may take. */
  budgetBytes: number;
  /** Sandboxes that one pool makes at a time, without pressure. */
  maxStarting: number;
  logger: Logger;
  readPressure?: () => Promise<MachinePressure | undefined>;
}

const TICK_MS = 250;
/** Retiring, measuring and reading pressure happen on every fourth tick. */
const TICKS_PER_SECOND = 4;
/** Somebody waits for memory a tenth of the time: caches are thrown out and read again. */
const MEMORY_PRESSURE_PERCENT = 10;
/** Two tasks for every core. */
const CPU_PRESSURE_PERCENT = 50;
/** A parked Node.js sandbox, until one was measured. */
const FIRST_PARKED_BYTES = 4 * 1024 * 1024;

export class Autosizer {
  readonly #options: AutosizerOptions;
  readonly #pools = new Map<SizedPool, { parkedBytes: number }>();
  readonly #timer: NodeJS.Timeout;
  #ticks = 0;
  #pressure: MachinePressure = NO_PRESSURE;
  #saidMissing = false;

  constructor(options: AutosizerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tick(Date.now()), TICK_MS).unref();
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  get pressure(): MachinePressure {
    return this.#pressure;
  }

  add(pool: SizedPool): void {
    this.#pools.set(pool, { parkedBytes: FIRST_PARKED_BYTES });
  }

  remove(pool: SizedPool): void {
    this.#pools.delete(pool);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#pools.clear();
  }

  /** One round of decisions; the timer's. */
  tick(nowMs: number): void {
    const isWholeSecond = this.#ticks++ % TICKS_PER_SECOND === 0;
    if (isWholeSecond) void this.#look();
    const pools = [...this.#pools];
    const wishes = pools.map(([pool]) => pool.sizer.wish(nowMs));
    const isTight = this.#pressure.memory > MEMORY_PRESSURE_PERCENT;
    const allowed = shareBudget(
      pools.map(([pool, { parkedBytes }], i) => {
        const { floor } = pool.sizer.bounds;
        return { floor, wanted: isTight ? floor : (wishes[i]?.wanted ?? floor), bytesEach: parkedBytes };
      }),
      this.#options.budgetBytes,
    );
    pools.forEach(([pool], i) => {
      const wish = wishes[i];
      const target = allowed[i];
      if (wish === undefined || target === undefined) return;
      const hasLess = target < wish.wanted;
      const reason: PoolSizeReason = !hasLess ? wish.reason : isTight ? "memory_pressure" : "memory_budget";
      const { ratePerSecond, refillMs, burst } = wish;
      if (target > pool.target || (isWholeSecond && target < pool.target))
        pool.resize(target, {
          atMs: nowMs,
          from: pool.target,
          to: target,
          reason,
          ratePerSecond,
          refillMs,
          burst,
        });
      if (isWholeSecond) pool.retireSurplus();
    });
  }

  async #look(): Promise<void> {
    const { readPressure = readMachinePressure, maxStarting, logger } = this.#options;
    const pressure = await readPressure();
    if (pressure === undefined && !this.#saidMissing) {
      this.#saidMissing = true;
      logger.warn("the kernel does not tell pressure (psi=1 at boot): pools are sized without it");
    }
    this.#pressure = pressure ?? NO_PRESSURE;
    for (const [pool, kept] of this.#pools) {
      pool.setMaxStarting(this.#pressure.cpu > CPU_PRESSURE_PERCENT ? 1 : maxStarting);
      kept.parkedBytes = pool.measureParkedBytes() ?? kept.parkedBytes;
    }
  }
}
