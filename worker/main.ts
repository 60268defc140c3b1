/**
 * The worker's process: one on each machine, as root. Builds every object, passes them in, and takes them down in
 * the opposite order on SIGTERM or SIGINT.
 */
import { join } from "node:path";
import { STATUS_SOCKET } from "../contract/index.ts";
import { createPool } from "../pool/create-pool.ts";
import { createLogger } from "../telemetry/logger.ts";
import { startTelemetry } from "../telemetry/start-telemetry.ts";
import { openBundleCache } from "./bundle-cache.ts";
import { CodeStore } from "./code-store.ts";
import { connectRedis } from "./connect-redis.ts";
import { consume } from "./consume.ts";
import { Prewarmer } from "./prewarmer.ts";
import { runInvocation } from "./run-invocation.ts";
import { readSettings } from "./settings.ts";
import { settle } from "./settle.ts";
import { serveStatus } from "./status-server.ts";
import { observeWorker } from "./worker-metrics.ts";

/** Why the worker ends. Told so while starting, it finishes its start first: there is one way down. */
const { promise: stopAsked, resolve: stop } = Promise.withResolvers<{ reason: string; exitCode: number }>();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => stop({ reason: signal, exitCode: 0 }));

/** How long the replies of invocations that are given up may take. */
const GIVE_UP_MS = 2_000;

const settings = readSettings(process.env);
const logger = createLogger("worker", settings.logLevel);

const telemetry = await startTelemetry({
  serviceName: "mayfly-worker",
  instance: settings.instance,
  metrics: settings.metrics,
  env: process.env,
  logger,
});
const redis = connectRedis(settings.redis);
redis.on("error", (error) => logger.error({ err: error }, "the connection to Redis failed"));
const bundles = await openBundleCache({
  packedFolder: settings.packedFolder,
  cacheFolder: settings.cacheFolder,
  maxBytes: settings.bundleCacheBytes,
});
const pool = await createPool({
  instance: settings.instance,
  targets: { nodejs24: settings.pool },
  ...(settings.poolBudgetBytes && { budgetBytes: settings.poolBudgetBytes }),
  maxSandboxes: settings.maxSandboxes,
  egress: settings.egress,
  diskFolders: [settings.dataDir, ...[...settings.volumes.values()].map(({ folder }) => folder)],
  logger: logger.child({ component: "pool" }),
  onLost: (runtime) => stop({ reason: `the spawner of ${runtime} has ended`, exitCode: 1 }),
});
const codes = await CodeStore.open({ pool, bundles, folder: settings.codeFolder, logger });
const prewarmer = new Prewarmer({ redis, pool, bundles, codes, volumes: settings.volumes, logger });
const consumer = await consume({
  redis,
  concurrency: settings.concurrency,
  logger,
  run: (job) => runInvocation(job, { codes, pool, bundles, volumes: settings.volumes, prewarmer, logger }),
  settle: (invocation) => settle(invocation, { redis, logger }),
});
const status = await serveStatus(join(settings.dataDir, STATUS_SOCKET), () => ({
  instance: settings.instance,
  pid: process.pid,
  atMs: Date.now(),
  sandboxes: pool.inspect(),
  pools: pool.stats(),
  ...pool.sizing,
}));
observeWorker(pool, consumer, settings.concurrency);
logger.info({ pool: settings.pool, concurrency: settings.concurrency }, "the worker takes invocations");
// The launcher (cli/) waits for this; under another supervisor there is nobody to tell.
process.send?.("ready");

const { reason, exitCode } = await stopAsked;
if (exitCode === 0) logger.info({ reason }, "the worker stops");
else logger.fatal({ reason }, `the worker cannot go on: ${reason}`);
const drained = consumer.close();
const timer = new Promise<"late">((resolve) => setTimeout(resolve, settings.drainMs, "late").unref());
if ((await Promise.race([drained, timer])) === "late") {
  logger.warn("invocations are still running after the time to drain; they are given up");
}
status.close();
const retired = prewarmer.close();
await pool.close();
await Promise.all([retired, codes.close()]);
// Those given up settle now, as worker_lost.
await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS).unref())]);
redis.disconnect();
await telemetry.close();
logger.info("the worker has stopped");
process.exit(exitCode);
