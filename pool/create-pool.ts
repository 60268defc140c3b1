/** Builds the pools of one worker: a warm pool for each runtime, above one folder of cgroups. Called by worker/main.ts. */
import { MayflyError, type Runtime } from "../contract/index.ts";
import { CgroupBase, type CgroupOffers } from "../native/ts/cgroup-base.ts";
import type { Logger } from "../telemetry/logger.ts";
import { LinuxSandboxFactory } from "./linux-sandbox-factory.ts";
import { RUNTIME_COMMANDS } from "./runtime-commands.ts";
import type { SandboxPool } from "./sandbox.ts";
import { UidRanges } from "./uid-ranges.ts";
import { WarmPool } from "./warm-pool.ts";

export interface CreatePoolOptions {
  /** Names the cgroups: `mayfly-<instance>`. One worker an instance. */
  instance: string;
  /** How many sandboxes to keep parked, by runtime. */
  targets: Record<Runtime, number>;
  /** How many sandboxes of one runtime may exist at once. */
  maxSandboxes: number;
  /** Where sandboxes read and write beside their root; the use of the disks behind them is counted and limited. */
  diskFolders?: string[];
  logger: Logger;
  /** A runtime's spawner ended: the worker cannot go on. */
  onLost: (runtime: Runtime) => void;
}

/** Two at a time keep a two-core machine busy with refilling and leave the event loop its turns. */
const MAX_STARTING = 2;

/** Errors: HOST_UNSUITABLE, CGROUP_FAILED, SANDBOX_SPAWN_FAILED; nothing is left then. */
export async function createPool(options: CreatePoolOptions): Promise<SandboxPool> {
  const { instance, targets, maxSandboxes, logger, onLost } = options;
  const rootfs = Object.values(RUNTIME_COMMANDS).map((commands) => commands.rootfs);
  const cgroups = CgroupBase.open(instance, [...rootfs, ...(options.diskFolders ?? [])]);
  logOffers(cgroups.offers, logger);
  const uidRanges = new UidRanges();
  const pools = new Map<Runtime, WarmPool>();
  const close = async () => {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
    cgroups.close();
  };
  try {
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
      const target = targets[runtime];
      pools.set(runtime, new WarmPool({ factory, target, maxSandboxes, maxStarting: MAX_STARTING, logger }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    acquire(runtime, timeoutMs) {
      const pool = pools.get(runtime);
      if (pool !== undefined) return pool.acquire(timeoutMs);
      return Promise.reject(
        new MayflyError("RUNTIME_UNAVAILABLE", {
          message: `Cannot lease a sandbox: no pool of runtime "${runtime}"`,
        }),
      );
    },
    stats: () => [...pools.values()].map((pool) => pool.stats()),
    close,
  };
}

/** What this machine does not limit, said once: a limit of a function's that has no effect must not be a surprise. */
function logOffers({ ioFault, io, forbidden }: CgroupOffers, logger: Logger): void {
  if (ioFault !== undefined) logger.warn({ reason: ioFault }, "io is neither limited nor counted");
  else
    logger.info({ devices: io.devices, without: io.missing }, "io is counted, and limited where asked for");
  logger.info({ forbidden }, "resources that no sandbox can take");
}
