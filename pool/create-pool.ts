/**
 * Builds the pools of one worker: a warm pool for each runtime and network, above one folder of cgroups. Called by
 * worker/main.ts.
 */
import type { Runtime } from "../contract/index.ts";
import { CgroupBase, type CgroupOffers } from "../native/ts/cgroup-base.ts";
import { sweepCgroups } from "../native/ts/cgroup-sweep.ts";
import type { Logger } from "../telemetry/logger.ts";
import { defaultPoolBudgetBytes } from "./available-memory.ts";
import { EgressNetwork, type EgressOptions } from "./egress/egress-network.ts";
import { LinuxSandboxFactory } from "./linux-sandbox-factory.ts";
import type { PoolBounds } from "./pool-sizer.ts";
import { RUNTIME_COMMANDS } from "./runtime-commands.ts";
import type { SandboxPool } from "./sandbox.ts";
import { SandboxPools } from "./sandbox-pools.ts";
import { UidRanges } from "./uid-ranges.ts";

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

/** Errors: HOST_UNSUITABLE, CGROUP_FAILED, SANDBOX_SPAWN_FAILED; nothing is left then. */
export async function createPool(options: CreatePoolOptions): Promise<SandboxPool> {
  const { instance, targets, maxSandboxes, logger, onLost } = options;
  const rootfs = Object.values(RUNTIME_COMMANDS).map((commands) => commands.rootfs);
  const cgroups = CgroupBase.open(instance, [...rootfs, ...(options.diskFolders ?? [])]);
  logOffers(cgroups.offers, logger);
  sweep(logger);
  const uidRanges = new UidRanges(instance);
  let egress: EgressNetwork | undefined;
  const pools = new SandboxPools({
    maxSandboxes,
    budgetBytes: options.budgetBytes ?? defaultPoolBudgetBytes(),
    logger,
    usage: () => cgroups.usage(),
    afterClose: async () => {
      await egress?.close();
      cgroups.close();
    },
  });
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
      pools.open(factory, boundsOf(targets[runtime]));
      if (egress !== undefined) pools.open(factory.withEgress(egress), boundsOf(options.egress?.target ?? 0));
    }
  } catch (error) {
    await pools.close();
    throw error;
  }
  return pools;
}

const boundsOf = (target: number | PoolBounds): PoolBounds =>
  typeof target === "number" ? { floor: target, ceiling: target } : target;

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
