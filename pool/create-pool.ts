/**
 * Builds the pools of one worker: a warm pool for each runtime and network, above one folder of cgroups. Called by
 * worker/main.ts.
 */
import { LIMITS, MayflyError, type Network, type Runtime } from "../contract/index.ts";
import { CgroupBase, type CgroupOffers } from "../native/ts/cgroup-base.ts";
import { sweepCgroups } from "../native/ts/cgroup-sweep.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Autosizer } from "./autosizer.ts";
import { defaultPoolBudgetBytes } from "./available-memory.ts";
import { EgressNetwork, type EgressOptions } from "./egress/egress-network.ts";
import { LinuxSandboxFactory } from "./linux-sandbox-factory.ts";
import { type PoolBounds, PoolSizer } from "./pool-sizer.ts";
import { PrewarmingFactory } from "./prewarming-factory.ts";
import { RUNTIME_COMMANDS } from "./runtime-commands.ts";
import type { SandboxFactory, SandboxPool } from "./sandbox.ts";
import { UidRanges } from "./uid-ranges.ts";
import { WarmPool } from "./warm-pool.ts";

export interface CreatePoolOptions {
  /** Names the cgroups: `mayfly-<instance>`. One worker an instance. */
  instance: string;
  /** How many sandboxes to keep parked, by runtime: at least and at most. A number stands for both. */
  targets: Record<Runtime, number | PoolBounds>;
  /** What all parked sandboxes together may take. Default: a quarter of the memory. */
  budgetBytes?: number;
  /** How many sandboxes of one runtime and network may exist at once. */
  maxSandboxes: number;
  /** Absent: no function reaches the network. `target`: how many sandboxes to keep parked, of each runtime. */
  egress?: (Pick<EgressOptions, "range" | "resolver" | "deny"> & { target: number | PoolBounds }) | undefined;
  /** Where sandboxes read and write beside their root; the use of the disks behind them is counted and limited. */
  diskFolders?: string[];
  logger: Logger;
  /** A runtime's spawner ended: the worker cannot go on. */
  onLost: (runtime: Runtime) => void;
}

/** Two at a time keep a two-core machine busy with refilling and leave the event loop its turns. */
const MAX_STARTING = 2;

/** So many sandboxes of one function wait initialised at most, unless it asks for more itself. */
const PREWARM_CEILING = 32;

/** Errors: HOST_UNSUITABLE, CGROUP_FAILED, SANDBOX_SPAWN_FAILED; nothing is left then. */
export async function createPool(options: CreatePoolOptions): Promise<SandboxPool> {
  const { instance, targets, maxSandboxes, logger, onLost } = options;
  const rootfs = Object.values(RUNTIME_COMMANDS).map((commands) => commands.rootfs);
  const cgroups = CgroupBase.open(instance, [...rootfs, ...(options.diskFolders ?? [])]);
  logOffers(cgroups.offers, logger);
  sweep(logger);
  const uidRanges = new UidRanges(instance);
  const pools = new Map<string, WarmPool>();
  const factories = new Map<string, SandboxFactory>();
  const prewarmed = new Set<WarmPool>();
  let egress: EgressNetwork | undefined;
  const autosizer = new Autosizer({
    budgetBytes: options.budgetBytes ?? defaultPoolBudgetBytes(),
    maxStarting: MAX_STARTING,
    logger,
  });
  const open = (factory: SandboxFactory, target: number | PoolBounds) => {
    const bounds = typeof target === "number" ? { floor: target, ceiling: target } : target;
    const sizer = new PoolSizer(bounds, Date.now());
    const pool = new WarmPool({ factory, sizer, maxSandboxes, maxStarting: MAX_STARTING, logger });
    autosizer.add(pool);
    pools.set(keyOf(factory.runtime, factory.network), pool);
    factories.set(keyOf(factory.runtime, factory.network), factory);
  };
  const factoryOf = (runtime: Runtime, network: Network): SandboxFactory => {
    const factory = factories.get(keyOf(runtime, network));
    if (factory !== undefined) return factory;
    throw factories.has(keyOf(runtime, "none")) ? egressUnavailable() : runtimeUnavailable(runtime);
  };
  const close = async () => {
    autosizer.close();
    await Promise.all([...prewarmed].map((pool) => pool.close()));
    /* Those with egress use the runtime's processes of those without. */
    for (const network of ["egress", "none"]) {
      const closing = [...pools.values()].filter((pool) => pool.stats().network === network);
      await Promise.all(closing.map((pool) => pool.close()));
    }
    await egress?.close();
    cgroups.close();
  };
  try {
    if (options.egress !== undefined)
      egress = await EgressNetwork.open({ ...options.egress, instance, logger });
    for (const runtime of Object.keys(targets) as Runtime[]) {
      const factory = await LinuxSandboxFactory.start({
        runtime,
        ...RUNTIME_COMMANDS[runtime],
        cgroups,
        uidRanges,
        logger,
        onLost: () => onLost(runtime),
      });
      logger.info({ runtime, mode: factory.mode, cgroups: cgroups.layout.mode }, "runtime ready");
      open(factory, targets[runtime]);
      if (egress !== undefined) open(factory.withEgress(egress), options.egress?.target ?? 0);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    acquire(runtime, timeoutMs, network = "none") {
      const pool = pools.get(keyOf(runtime, network));
      if (pool !== undefined) return pool.acquire(timeoutMs);
      const isKnown = pools.has(keyOf(runtime, "none"));
      return Promise.reject(isKnown ? egressUnavailable() : runtimeUnavailable(runtime));
    },
    prewarm({ runtime, network, lease, count }) {
      const initTimeoutMs = Math.max(LIMITS.initTimeoutMs, lease.limits.timeoutMs);
      const factory = new PrewarmingFactory(factoryOf(runtime, network), lease, initTimeoutMs);
      const pool = new WarmPool({
        factory,
        functionName: lease.functionName,
        sizer: new PoolSizer({ floor: count, ceiling: Math.max(count, PREWARM_CEILING) }, Date.now()),
        maxSandboxes,
        logger,
      });
      prewarmed.add(pool);
      autosizer.add(pool);
      return {
        take: () => pool.take(),
        retire: () => {
          autosizer.remove(pool);
          return pool.retire().finally(() => prewarmed.delete(pool));
        },
      };
    },
    get sizing() {
      return { poolBudgetBytes: autosizer.budgetBytes, pressure: autosizer.pressure };
    },
    stats: () => [...pools.values(), ...prewarmed].map((pool) => pool.stats()),
    inspect: () => [...pools.values(), ...prewarmed].flatMap((pool) => pool.inspect()),
    close,
  };
}

const keyOf = (runtime: Runtime, network: Network) => `${runtime} ${network}`;

const runtimeUnavailable = (runtime: Runtime) =>
  new MayflyError("RUNTIME_UNAVAILABLE", {
    message: `Cannot lease a sandbox: no pool of runtime "${runtime}"`,
  });

const egressUnavailable = () =>
  new MayflyError("EGRESS_UNAVAILABLE", {
    message: 'Cannot lease a sandbox with network "egress": the worker does not allow it (MAYFLY_EGRESS)',
  });

/** What workers of other instances left that were killed; this instance's own is gone by CgroupBase.open(). */
function sweep(logger: Logger): void {
  const { removed, failed } = sweepCgroups();
  if (removed.length > 0) logger.warn({ removed }, "what a dead worker left was removed");
  if (failed.length > 0) logger.error({ failed }, "what a dead worker left could not be removed");
}

/** What this machine does not limit, said once: a limit of a function's that has no effect must not be a surprise. */
function logOffers({ ioFault, io, forbidden }: CgroupOffers, logger: Logger): void {
  if (ioFault !== undefined) logger.warn({ reason: ioFault }, "io is neither limited nor counted");
  else
    logger.info({ devices: io.devices, without: io.missing }, "io is counted, and limited where asked for");
  logger.info({ forbidden }, "resources that no sandbox can take");
}
