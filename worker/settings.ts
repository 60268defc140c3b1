/** What the worker is told by its environment; main.ts reads it once. All faults are reported together. */
import { join } from "node:path";
import { z } from "zod";
import { ipv4Address, ipv4Cidr, MayflyError, parseCidr } from "../contract/index.ts";
import {
  type MetricsAddress,
  metricsAddress,
  metricsHost,
  metricsPort,
} from "../telemetry/metrics-address.ts";
import { parseVolumes, type Volume } from "./parse-volumes.ts";

const MIB = 1024 * 1024;
const DEFAULT_POOL_MAX = 64;
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Bits of a range that is known to be one. */
function prefixOf(cidr: string): number {
  const { first, last } = parseCidr(cidr) ?? { first: 0, last: 0 };
  return 32 - Math.log2(last - first + 1);
}

const environment = z.object({
  /** Path of a Unix socket, or a redis:// or rediss:// URL. */
  MAYFLY_REDIS: z.string().regex(/^(\/|rediss?:\/\/)/, "must be the path of a socket or a redis:// URL"),
  MAYFLY_DATA_DIR: z.string().regex(/^\//, "must be an absolute path"),
  /** Names this service's cgroup, `mayfly-<instance>`; two services on one machine need different ones. */
  MAYFLY_INSTANCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z, 0-9 and -")
    .default("main"),
  /** How many sandboxes are kept parked when nothing is asked of them, and how many at most. */
  MAYFLY_POOL_MIN: count(1, 1024).default(8),
  MAYFLY_POOL_MAX: count(1, 1024).optional(),
  /** What all parked sandboxes together may take, MiB. Default: a quarter of the memory. */
  MAYFLY_POOL_MEMORY_MB: count(16, 1_000_000).optional(),
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
  /** Whether functions may ask for network egress. */
  MAYFLY_EGRESS: z.enum(["on", "off"]).default("off"),
  /** Addresses of sandboxes with egress; nothing else of the machine's, and of no other instance. */
  MAYFLY_EGRESS_CIDR: ipv4Cidr
    .refine((cidr) => prefixOf(cidr) >= 8 && prefixOf(cidr) <= 24, "must have a prefix of 8 to 24 bits")
    .default("100.64.128.0/17"),
  /** Resolver of sandboxes with egress. Default: the machine's own. */
  MAYFLY_EGRESS_DNS: ipv4Address
    .refine(
      (address) => !address.startsWith("127."),
      "must not be a loopback address: sandboxes cannot reach it",
    )
    .optional(),
  /** Ranges that no function reaches, beside the private and special ones: `8.8.8.0/24,9.9.9.9`. */
  MAYFLY_EGRESS_DENY: z
    .string()
    .default("")
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    )
    .pipe(z.array(ipv4Cidr)),
  /** How many sandboxes with egress are kept parked; 0: each is made when it is asked for. */
  MAYFLY_EGRESS_POOL_MIN: count(0, 1024).default(2),
  /** Where /metrics is; it asks for no key. The port may be 0 (the kernel chooses) or `off`. */
  MAYFLY_METRICS_HOST: metricsHost,
  MAYFLY_WORKER_METRICS_PORT: metricsPort.default(9465),
  MAYFLY_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
});

export interface WorkerSettings {
  redis: string;
  dataDir: string;
  /** Where the gateway stores packed bundles; the worker only reads there. */
  packedFolder: string;
  /** Where the worker unpacks them; nobody else writes there. */
  cacheFolder: string;
  /** Where it keeps compiled code. */
  codeFolder: string;
  instance: string;
  pool: { floor: number; ceiling: number };
  /** Absent: as the pool thinks right. */
  poolBudgetBytes: number | undefined;
  concurrency: number;
  maxSandboxes: number;
  bundleCacheBytes: number;
  drainMs: number;
  volumes: Map<string, Volume>;
  /** Absent: no function reaches the network. */
  egress?: { range: string; resolver: string | undefined; deny: string[]; target: WorkerSettings["pool"] };
  metrics: MetricsAddress | undefined;
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
  const floor = env.MAYFLY_POOL_MIN;
  const ceiling = env.MAYFLY_POOL_MAX ?? Math.max(floor, DEFAULT_POOL_MAX);
  if (ceiling < floor) {
    const message = `Cannot read the settings: MAYFLY_POOL_MAX: must not be below MAYFLY_POOL_MIN (${floor})`;
    throw new MayflyError("SETTINGS_INVALID", { message });
  }
  return {
    redis: env.MAYFLY_REDIS,
    dataDir: env.MAYFLY_DATA_DIR,
    packedFolder: join(env.MAYFLY_DATA_DIR, "bundles"),
    cacheFolder: join(env.MAYFLY_DATA_DIR, "worker", "bundles"),
    codeFolder: join(env.MAYFLY_DATA_DIR, "worker", "code"),
    instance: env.MAYFLY_INSTANCE,
    pool: { floor, ceiling },
    poolBudgetBytes: env.MAYFLY_POOL_MEMORY_MB && env.MAYFLY_POOL_MEMORY_MB * MIB,
    concurrency: env.MAYFLY_CONCURRENCY,
    maxSandboxes: env.MAYFLY_MAX_SANDBOXES ?? env.MAYFLY_CONCURRENCY + ceiling,
    bundleCacheBytes: env.MAYFLY_BUNDLE_CACHE_MB * MIB,
    volumes: env.MAYFLY_VOLUMES,
    ...(env.MAYFLY_EGRESS === "on" && {
      egress: {
        range: env.MAYFLY_EGRESS_CIDR,
        resolver: env.MAYFLY_EGRESS_DNS,
        deny: env.MAYFLY_EGRESS_DENY,
        target: {
          floor: env.MAYFLY_EGRESS_POOL_MIN,
          ceiling: Math.max(env.MAYFLY_EGRESS_POOL_MIN, ceiling),
        },
      },
    }),
    drainMs: env.MAYFLY_DRAIN_MS,
    metrics: metricsAddress(env.MAYFLY_METRICS_HOST, env.MAYFLY_WORKER_METRICS_PORT),
    logLevel: env.MAYFLY_LOG_LEVEL,
  };
}
