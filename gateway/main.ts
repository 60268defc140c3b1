/**
 * The gateway process: builds every object and passes it in. `node gateway/main.ts`, settings by environment
 * (settings.ts). May be started as root to bind its port and make its folder; serves as the user of MAYFLY_UID.
 */
import { MayflyError } from "../contract/index.ts";
import { createLogger } from "../telemetry/logger.ts";
import { startTelemetry } from "../telemetry/start-telemetry.ts";
import { BundlePacker } from "./bundles/bundle-packer.ts";
import { BundleStore } from "./bundles/bundle-store.ts";
import { connectRedis } from "./connect-redis.ts";
import { createApp } from "./create-app.ts";
import { dropPrivileges } from "./drop-privileges.ts";
import { observeQueue } from "./gateway-metrics.ts";
import { listen } from "./listen.ts";
import { Admission } from "./queue/admission.ts";
import { InvocationQueue } from "./queue/invocation-queue.ts";
import { Invoker } from "./queue/invoker.ts";
import { ReplyInbox } from "./queue/reply-inbox.ts";
import { WIDTH_MIN, WorkerCapacity } from "./queue/worker-capacity.ts";
import { refreshRegularly } from "./refresh-regularly.ts";
import { FunctionRegistry } from "./registry/function-registry.ts";
import { LayerRegistry } from "./registry/layer-registry.ts";
import { readSettings } from "./settings.ts";
import { shutDown } from "./shut-down.ts";
import { sweepBundles } from "./sweep-bundles.ts";

/** Below the 30 s that systemd units and Kubernetes pods commonly get. */
const SHUTDOWN_GRACE_MS = 25_000;

const bootLogger = createLogger("gateway", "info");

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const logger = createLogger("gateway", settings.logLevel);

  // What needs root, or files that only root can read. Requests that come now wait for the app.
  const store = new BundleStore(settings.dataDir, settings.owner);
  const packer = await BundlePacker.start();
  const app = Promise.withResolvers<ReturnType<typeof createApp>>();
  const { server, url } = await listen(
    async (request) => (await app.promise).fetch(request),
    settings.host,
    settings.port,
  );
  const telemetry = await startTelemetry({
    serviceName: "mayfly-gateway",
    instance: settings.instance,
    metrics: settings.metrics,
    env: process.env,
    logger,
  });
  if (settings.owner) dropPrivileges(settings.owner);
  else if (process.getuid?.() === 0) logger.warn("The gateway runs as root; set MAYFLY_UID and MAYFLY_GID");

  store.assertWritable();

  const redis = await connectRedis(settings.redis, "command", logger);
  const inbox = new ReplyInbox(await connectRedis(settings.redis, "blocking", logger), logger);
  const queue = new InvocationQueue(redis);
  const registry = new FunctionRegistry(redis);
  const admission = new Admission(WIDTH_MIN);
  observeQueue(admission);
  const capacity = new WorkerCapacity(redis, (width) => admission.setWidth(width), logger);
  const layers = new LayerRegistry(redis);
  const stopSweeping = sweepBundles(store, { functions: registry, layers }, logger);
  const stopRefreshing = refreshRegularly([() => capacity.refresh(), () => registry.refresh()], logger);
  let isStopping = false;

  app.resolve(
    createApp({
      apiKey: settings.apiKey,
      packer,
      store,
      registry,
      layers,
      invoker: new Invoker({ queue, inbox, admission, logger }),
      workerCount: () => queue.workerCount(),
      isStopping: () => isStopping,
      logger,
    }),
  );

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    // Who asks twice does not want to wait.
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info({ signal }, "The gateway is shutting down");
    stopSweeping();
    // The width stays what it is: requests in flight still want their turns.
    stopRefreshing();
    // Not quit(): it would wait for a Redis that is gone already.
    const closers = [
      () => inbox.close(),
      () => queue.close(),
      async () => redis.disconnect(),
      () => packer.close(),
      () => telemetry.close(),
    ];
    await shutDown(server, closers, SHUTDOWN_GRACE_MS, logger);
    logger.info("The gateway has stopped");
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, (name) => void stop(name));
  logger.info({ url, pid: process.pid }, "The gateway is listening");
}

main().catch((error: unknown) => {
  // A MayflyError's sentence says all that its reader needs; a fault of ours needs its stack.
  if (error instanceof MayflyError) bootLogger.fatal({ code: error.code, ...error.details }, error.message);
  else bootLogger.fatal({ err: error }, "The gateway cannot start");
  process.exit(1);
});
