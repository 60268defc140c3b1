/**
 * Parked sandboxes of one runtime and network, ready before an event arrives. Every sandbox leaves the pool once and for good;
 * another is made for it in the background.
 *
 * A lease takes the sandbox that is parked longest. When none is parked it waits, first come first served, up to
 * its limit. Sandboxes that died while parked are removed and replaced; when making one fails, the next attempt
 * waits, twice as long each time, so that a broken machine is not hammered.
 */
import {
  MayflyError,
  type PoolDecision,
  type PoolStatus,
  type Runtime,
  type SandboxStatus,
} from "../contract/index.ts";
import type { Logger } from "../telemetry/logger.ts";
import { LeaseQueue } from "./lease-queue.ts";
import {
  coldStarts,
  createDuration,
  leaseDuration,
  poolAttributes,
  teardownDuration,
} from "./pool-metrics.ts";
import type { PoolSizer } from "./pool-sizer.ts";
import type { Sandbox, SandboxFactory } from "./sandbox.ts";

export interface WarmPoolOptions {
  factory: SandboxFactory;
  /** Of which they are initialised, if they are. */
  functionName?: string;
  /** How many to keep parked: at first its floor, then what it is resized to (autosizer.ts). */
  sizer: PoolSizer;
  /** How many may exist at once, in whatever state. */
  maxSandboxes: number;
  /** How many are made at the same time. More than the cores only makes each slower. Default 1. */
  maxStarting?: number;
  logger: Logger;
}

/**
 * The lease goes first, and its event with it: they take some milliseconds, in which making the next sandbox would
 * take a core from them.
 */
const REFILL_DELAY_MS = 5;
/** Of decisions about its size, for people. */
const DECISIONS_KEPT = 20;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export class WarmPool {
  readonly runtime: Runtime;
  readonly sizer: PoolSizer;
  readonly #options: WarmPoolOptions;
  readonly #parked: Sandbox[] = [];
  readonly #waiting = new LeaseQueue();
  /** All that exist: starting, parked, leased, being destroyed. */
  #total = 0;
  #starting = 0;
  #leaked = 0;
  #retired = 0;
  #died = 0;
  #failed = 0;
  readonly #attributes: ReturnType<typeof poolAttributes>;
  #target: number;
  #maxStarting: number;
  #refillTimer: NodeJS.Timeout | undefined;
  readonly #decisions: PoolDecision[] = [];
  readonly #leased = new Set<Sandbox>();
  #retryMs = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #closing = false;
  readonly #emptied = Promise.withResolvers<void>();

  constructor(options: WarmPoolOptions) {
    this.#options = options;
    this.runtime = options.factory.runtime;
    this.#attributes = poolAttributes({
      ...options,
      runtime: this.runtime,
      network: options.factory.network,
    });
    this.sizer = options.sizer;
    this.#target = options.sizer.bounds.floor;
    this.#maxStarting = options.maxStarting ?? 1;
    this.#refill();
  }

  /** Errors: LEASE_TIMEOUT after `timeoutMs`, POOL_CLOSED. */
  acquire(timeoutMs: number): Promise<Sandbox> {
    if (this.#closing) return Promise.reject(new MayflyError("POOL_CLOSED"));
    this.sizer.arrived(Date.now());
    const sandbox = this.#parked.shift();
    if (sandbox !== undefined) {
      this.#handed(sandbox);
      leaseDuration.record(0, this.#attributes);
      return Promise.resolve(sandbox);
    }
    coldStarts.add(1, this.#attributes);
    const askedAt = performance.now();
    const waited = this.#waiting.wait(timeoutMs, () => this.#leaseTimeout(timeoutMs));
    this.#refill();
    return waited.finally(() => leaseDuration.record((performance.now() - askedAt) / 1000, this.#attributes));
  }

  /** A parked sandbox, if there is one now. */
  take(): Sandbox | undefined {
    this.sizer.arrived(Date.now());
    const sandbox = this.#parked.shift();
    if (sandbox !== undefined) this.#handed(sandbox);
    return sandbox;
  }

  get target(): number {
    return this.#target;
  }

  resize(target: number, decision: PoolDecision): void {
    this.#target = target;
    this.#decisions.push(decision);
    if (this.#decisions.length > DECISIONS_KEPT) this.#decisions.shift();
    this.#refill();
  }

  /** While nobody waits for one. */
  setMaxStarting(count: number): void {
    this.#maxStarting = count;
    this.#refill();
  }

  /** Destroys the one that is parked longest, if there are more than the target. */
  retireSurplus(): void {
    if (this.#parked.length <= this.#target) return;
    this.#retired += 1;
    void this.#parked.shift()?.destroy();
  }

  /** Of one that is parked, if any: what its processes have taken at most. 0 is no measurement. */
  measureParkedBytes(): number | undefined {
    return this.#parked[0]?.inspect().memoryPeakBytes || undefined;
  }

  stats(): PoolStatus {
    return {
      runtime: this.runtime,
      network: this.#options.factory.network,
      ...(this.#options.functionName && { functionName: this.#options.functionName }),
      ...this.sizer.bounds,
      target: this.#target,
      parked: this.#parked.length,
      starting: this.#starting,
      leased: this.#leased.size,
      waiting: this.#waiting.length,
      retired: this.#retired,
      leaked: this.#leaked,
      died: this.#died,
      failed: this.#failed,
      decisions: [...this.#decisions],
    };
  }

  inspect(): SandboxStatus[] {
    return [...this.#parked, ...this.#leased].map((sandbox) => sandbox.inspect());
  }

  /** Refuses leases, destroys every sandbox, leased ones too, and closes the factory when all are gone. */
  close(): Promise<void> {
    for (const sandbox of this.#leased) void sandbox.destroy();
    return this.retire();
  }

  /** The same, but leaves those that are leased to whoever has them. */
  async retire(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#refillTimer);
    this.#waiting.refuseAll(new MayflyError("POOL_CLOSED"));
    for (const sandbox of this.#parked.splice(0)) void sandbox.destroy();
    this.#checkEmptied();
    await this.#emptied.promise;
    await this.#options.factory.close();
  }

  #leaseTimeout(timeoutMs: number): MayflyError {
    const { maxSandboxes } = this.#options;
    const state =
      this.#total >= maxSandboxes
        ? `pool is at its limit of ${maxSandboxes}`
        : `none became ready in ${timeoutMs} ms`;
    return new MayflyError("LEASE_TIMEOUT", {
      message: `Cannot lease a sandbox of ${this.runtime}: ${state}`,
    });
  }

  #handed(sandbox: Sandbox): void {
    this.#leased.add(sandbox);
    void sandbox.destroyed.then(() => this.#leased.delete(sandbox));
    this.#refillTimer ??= setTimeout(() => {
      this.#refillTimer = undefined;
      this.#refill();
    }, REFILL_DELAY_MS);
  }

  /** Makes as many as are wanted and allowed. Safe to call at any time. */
  #refill(): void {
    const { maxSandboxes, maxStarting = 1 } = this.#options;
    while (
      !this.#closing &&
      this.#retryTimer === undefined &&
      this.#parked.length + this.#starting < this.#target + this.#waiting.length &&
      this.#total < maxSandboxes &&
      this.#starting < (this.#waiting.length > 0 ? maxStarting : this.#maxStarting)
    ) {
      this.#total += 1;
      this.#starting += 1;
      void this.#start();
    }
  }

  async #start(): Promise<void> {
    let sandbox: Sandbox | undefined;
    const startedAt = performance.now();
    try {
      sandbox = await this.#options.factory.create();
      const tookMs = performance.now() - startedAt;
      this.sizer.refilled(tookMs);
      createDuration.record(tookMs / 1000, this.#attributes);
      this.#retryMs = 0;
    } catch (error) {
      this.#total -= 1;
      this.#startFailed(error);
    }
    this.#starting -= 1;
    if (sandbox !== undefined) this.#park(sandbox);
    this.#checkEmptied();
    this.#refill();
  }

  #startFailed(error: unknown): void {
    this.#failed += 1;
    this.#options.logger.error({ err: error, runtime: this.runtime }, "a sandbox could not be made");
    this.#retryMs = Math.min(LAST_RETRY_MS, Math.max(FIRST_RETRY_MS, this.#retryMs * 2));
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#refill();
    }, this.#retryMs);
  }

  #park(sandbox: Sandbox): void {
    void sandbox.destroyed.then(({ leaked, removedUs }) => {
      teardownDuration.record(removedUs / 1e6, this.#attributes);
      if (leaked) this.#leaked += 1;
      this.#total -= 1;
      this.#checkEmptied();
      this.#refill();
    });
    if (this.#closing) {
      void sandbox.destroy();
      return;
    }
    void sandbox.died.then(() => this.#removeDead(sandbox));
    if (this.#waiting.serve(sandbox)) this.#handed(sandbox);
    else this.#parked.push(sandbox);
  }

  /** Once leased, a sandbox's death is the worker's to see. */
  #removeDead(sandbox: Sandbox): void {
    const index = this.#parked.indexOf(sandbox);
    if (index < 0) return;
    this.#parked.splice(index, 1);
    this.#died += 1;
    this.#options.logger.warn({ sandbox: sandbox.id }, "a parked sandbox died and is replaced");
    void sandbox.destroy();
  }

  #checkEmptied(): void {
    if (this.#closing && this.#total === 0) this.#emptied.resolve();
  }
}
