/** The pools of one worker: one for each runtime and network, and one for each prewarmed function. create-pool.ts opens them. */
import { LIMITS, MayflyError, type Network, type PoolStatus, type Runtime } from "../contract/index.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Autosizer } from "./autosizer.ts";
import { type PoolBounds, PoolSizer } from "./pool-sizer.ts";
import { PrewarmingFactory } from "./prewarming-factory.ts";
import type { PrewarmedPool, PrewarmRequest, Sandbox, SandboxFactory, SandboxPool } from "./sandbox.ts";
import { WarmPool } from "./warm-pool.ts";

/** Two at a time keep a two-core machine busy with refilling and leave the event loop its turns. */
const MAX_STARTING = 2;

/** So many sandboxes of one function wait initialised at most, unless it asks for more itself. */
const PREWARM_CEILING = 32;

export interface SandboxPoolsOptions {
  /** How many sandboxes of one pool may exist at once. */
  maxSandboxes: number;
  /** What all parked sandboxes together may take. */
  budgetBytes: number;
  logger: Logger;
  usage: SandboxPool["usage"];
  /** Ends what the pools stand on, once they are gone. */
  afterClose: () => Promise<void>;
}

export class SandboxPools implements SandboxPool {
  readonly #options: SandboxPoolsOptions;
  readonly #autosizer: Autosizer;
  /** By runtime and network. */
  readonly #pools = new Map<string, { pool: WarmPool; factory: SandboxFactory }>();
  readonly #prewarmed = new Set<WarmPool>();

  constructor(options: SandboxPoolsOptions) {
    this.#options = options;
    const { budgetBytes, logger } = options;
    this.#autosizer = new Autosizer({ budgetBytes, maxStarting: MAX_STARTING, logger });
  }

  /** Begins to fill a pool of the factory's runtime and network; the factory is the pool's from now on. */
  open(factory: SandboxFactory, bounds: PoolBounds): void {
    const pool = this.#fill(factory, bounds);
    this.#pools.set(keyOf(factory.runtime, factory.network), { pool, factory });
  }

  async acquire(runtime: Runtime, timeoutMs: number, network: Network = "none"): Promise<Sandbox> {
    return await this.#find(runtime, network).pool.acquire(timeoutMs);
  }

  prewarm({ runtime, network, lease, count }: PrewarmRequest): PrewarmedPool {
    const initTimeoutMs = Math.max(LIMITS.initTimeoutMs, lease.limits.timeoutMs);
    const factory = new PrewarmingFactory(this.#find(runtime, network).factory, lease, initTimeoutMs);
    const bounds = { floor: count, ceiling: Math.max(count, PREWARM_CEILING) };
    const pool = this.#fill(factory, bounds, lease.functionName);
    this.#prewarmed.add(pool);
    return {
      take: () => pool.take(),
      retire: async () => {
        this.#autosizer.remove(pool);
        await pool.retire();
        this.#prewarmed.delete(pool);
      },
    };
  }

  get sizing(): SandboxPool["sizing"] {
    return { poolBudgetBytes: this.#autosizer.budgetBytes, pressure: this.#autosizer.pressure };
  }

  usage(): ReturnType<SandboxPool["usage"]> {
    return this.#options.usage();
  }

  stats(): PoolStatus[] {
    return this.#all().map((pool) => pool.stats());
  }

  inspect(): ReturnType<SandboxPool["inspect"]> {
    return this.#all().flatMap((pool) => pool.inspect());
  }

  async close(): Promise<void> {
    this.#autosizer.close();
    await Promise.all([...this.#prewarmed].map((pool) => pool.close()));
    /* Those with egress use the runtime's processes of those without. */
    for (const network of ["egress", "none"]) {
      const closing = [...this.#pools.values()].filter(({ factory }) => factory.network === network);
      await Promise.all(closing.map(({ pool }) => pool.close()));
    }
    await this.#options.afterClose();
  }

  #fill(factory: SandboxFactory, bounds: PoolBounds, functionName?: string): WarmPool {
    const { maxSandboxes, logger } = this.#options;
    const pool = new WarmPool({
      factory,
      ...(functionName !== undefined && { functionName }),
      sizer: new PoolSizer(bounds, Date.now()),
      maxSandboxes,
      maxStarting: MAX_STARTING,
      logger,
    });
    this.#autosizer.add(pool);
    return pool;
  }

  #all(): WarmPool[] {
    return [...[...this.#pools.values()].map(({ pool }) => pool), ...this.#prewarmed];
  }

  #find(runtime: Runtime, network: Network): { pool: WarmPool; factory: SandboxFactory } {
    const found = this.#pools.get(keyOf(runtime, network));
    if (found !== undefined) return found;
    if (this.#pools.has(keyOf(runtime, "none"))) {
      const message = `Cannot lease a sandbox with network "${network}": the worker does not allow it (MAYFLY_EGRESS)`;
      throw new MayflyError("EGRESS_UNAVAILABLE", { message });
    }
    const message = `Cannot lease a sandbox: no pool of runtime "${runtime}"`;
    throw new MayflyError("RUNTIME_UNAVAILABLE", { message });
  }
}

const keyOf = (runtime: Runtime, network: Network) => `${runtime} ${network}`;
