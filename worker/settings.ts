/** What the worker is told by its environment; main.ts reads it once. All faults are reported together. */
import { join } from "node:path";
import { z } from "zod";
import { MayflyError } from "../contract/index.ts";
import { parseVolumes, type Volume } from "./parse-volumes.ts";

const MIB = 1024 * 1024;
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const environment = z.object({
  /** Path of a Unix socket, or a redis:// or rediss:// URL. */
  MAYFLY_REDIS: z.string().regex(/^(\/|rediss?:\/\/)/, "must be the path of a socket or a redis:// URL"),
  MAYFLY_DATA_DIR: z.string().regex(/^\//, "must be an absolute path"),
  /** Names this service's cgroup, `mayfly-<instance>`; two services on one machine need different ones. */
  MAYFLY_INSTANCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z, 0-9 and -")
    .default("main"),
  /** How many sandboxes are kept parked. */
  MAYFLY_POOL_TARGET: count(1, 1024).default(8),
  /** How many invocations run at a time. */
  MAYFLY_CONCURRENCY: count(1, 1024).default(32),
  /** Parked, working and being torn down together. Default: room for both of the above. */
  MAYFLY_MAX_SANDBOXES: count(1, 4096).optional(),
  /** How much unpacked code is kept on disk, MiB. */
  MAYFLY_BUNDLE_CACHE_MB: count(256, 1_000_000).default(2048),
  /** How long running invocations may go on once the worker is told to stop, milliseconds. */
  MAYFLY_DRAIN_MS: count(0, 900_000).default(10_000),
  /** Folders that functions may mount: `models=/srv/models:ro,scratch=/srv/scratch:rw`. */
  MAYFLY_VOLUMES: z
    .string()
    .default("")
    .transform((text, context) => {
      const { volumes, faults } = parseVolumes(text);
      for (const message of faults) context.addIssue({ code: "custom", message });
      return volumes;
    }),
  MAYFLY_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

export interface WorkerSettings {
  redis: string;
  dataDir: string;
  /** Where the gateway stores packed bundles; the worker only reads there. */
  packedFolder: string;
  /** Where the worker unpacks them; nobody else writes there. */
  cacheFolder: string;
  instance: string;
  poolTarget: number;
  concurrency: number;
  maxSandboxes: number;
  bundleCacheBytes: number;
  drainMs: number;
  volumes: Map<string, Volume>;
  logLevel: string;
}

/** Errors: SETTINGS_INVALID, naming every variable at fault. */
export function readSettings(variables: NodeJS.ProcessEnv): WorkerSettings {
  const parsed = environment.safeParse(variables);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new MayflyError("SETTINGS_INVALID", { message: `Cannot read the settings: ${faults.join("; ")}` });
  }
  const env = parsed.data;
  return {
    redis: env.MAYFLY_REDIS,
    dataDir: env.MAYFLY_DATA_DIR,
    packedFolder: join(env.MAYFLY_DATA_DIR, "bundles"),
    cacheFolder: join(env.MAYFLY_DATA_DIR, "worker", "bundles"),
    instance: env.MAYFLY_INSTANCE,
    poolTarget: env.MAYFLY_POOL_TARGET,
    concurrency: env.MAYFLY_CONCURRENCY,
    maxSandboxes: env.MAYFLY_MAX_SANDBOXES ?? env.MAYFLY_CONCURRENCY + env.MAYFLY_POOL_TARGET,
    bundleCacheBytes: env.MAYFLY_BUNDLE_CACHE_MB * MIB,
    volumes: env.MAYFLY_VOLUMES,
    drainMs: env.MAYFLY_DRAIN_MS,
    logLevel: env.MAYFLY_LOG_LEVEL,
  };
}
