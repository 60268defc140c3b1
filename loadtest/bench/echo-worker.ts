/**
 * A process: the worker without a sandbox. It takes jobs off the queue by the worker's own code and sends each event back
 * as its answer, so that http.ts can say what everything but the sandbox costs. echo-service.ts starts it.
 */

import { createLogger } from "../../telemetry/logger.ts";
import { connectRedis } from "../../worker/connect-redis.ts";
import { consume } from "../../worker/consume.ts";
import { settle } from "../../worker/settle.ts";

/** The worker's default (worker/settings.ts). */
const CONCURRENCY = 32;

const stopAsked = Promise.withResolvers<void>();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopAsked.resolve());

const logger = createLogger("worker", "info");
const redis = connectRedis(process.env.MAYFLY_REDIS ?? "");
redis.on("error", (error) => logger.error({ err: error }, "the connection to Redis failed"));
const consumer = await consume({
  redis,
  concurrency: CONCURRENCY,
  logger,
  run: async (job) => ({
    job,
    reply: {
      invocationId: job.invocationId,
      verdict: "ok",
      timings: {},
      body: Buffer.from(job.event),
    },
    layers: [],
  }),
  settle: (invocation) => settle(invocation, { redis, logger }),
});
process.send?.("ready");

await stopAsked.promise;
await consumer.close();
redis.disconnect();
process.exit(0);
