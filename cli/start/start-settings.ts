/** What `mayfly start` is told by its environment. Gateway and worker check what is theirs. */
import { z } from "zod";
import { MayflyError } from "../../contract/index.ts";
import {
  type MetricsAddress,
  metricsAddress,
  metricsHost,
  metricsPort,
} from "../../telemetry/metrics-address.ts";
import { dataDirOf } from "../data-dir.ts";

const environment = z.object({
  MAYFLY_HOST: z.string().min(1).default("127.0.0.1"),
  /** 0 lets the kernel choose. */
  MAYFLY_PORT: z.coerce.number().int().min(0).max(65_535).default(8480),
  MAYFLY_INSTANCE: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z, 0-9 and -")
    .default("main"),
  MAYFLY_REDIS_URL: z
    .string()
    .regex(/^(\/|rediss?:\/\/)/, "must be a redis:// or rediss:// URL, or the path of a socket")
    .optional(),
  /** The worker's (worker/settings.ts); the launcher must not be less patient. */
  MAYFLY_DRAIN_MS: z.coerce.number().int().min(0).max(900_000).default(10_000),
  /** Gateway and worker listen there; the launcher only says where. */
  MAYFLY_METRICS_HOST: metricsHost,
  MAYFLY_GATEWAY_METRICS_PORT: metricsPort.default(9464),
  MAYFLY_WORKER_METRICS_PORT: metricsPort.default(9465),
});

export interface StartSettings {
  host: string;
  port: number;
  instance: string;
  dataDir: string;
  /** The user's Redis; without one, an own is started. */
  redisUrl: string | undefined;
  drainMs: number;
  metrics: Record<"gateway" | "worker", MetricsAddress | undefined>;
}

/** Errors: SETTINGS_INVALID, naming every variable at fault. */
export function readStartSettings(env: NodeJS.ProcessEnv): StartSettings {
  const parsed = environment.safeParse({ ...env, MAYFLY_REDIS_URL: env.MAYFLY_REDIS_URL ?? env.REDIS_URL });
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new MayflyError("SETTINGS_INVALID", { message: `Cannot start: ${faults.join("; ")}` });
  }
  const {
    MAYFLY_HOST: host,
    MAYFLY_PORT: port,
    MAYFLY_INSTANCE: instance,
    MAYFLY_REDIS_URL: redisUrl,
    MAYFLY_DRAIN_MS: drainMs,
    MAYFLY_METRICS_HOST: shownOn,
    MAYFLY_GATEWAY_METRICS_PORT: gatewayPort,
    MAYFLY_WORKER_METRICS_PORT: workerPort,
  } = parsed.data;
  const metrics = {
    gateway: metricsAddress(shownOn, gatewayPort),
    worker: metricsAddress(shownOn, workerPort),
  };
  return { host, port, instance, dataDir: dataDirOf(env), redisUrl, drainMs, metrics };
}
