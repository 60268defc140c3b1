/** Opens the gateway's connections to Redis. Called by main.ts and, for a connection of its own, by tests. */
import { Redis, type RedisOptions } from "ioredis";
import { MayflyError } from "../contract/index.ts";
import type { Logger } from "../telemetry/logger.ts";

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * `command` connections answer callers: when Redis is away they fail at once, rather than keep a caller waiting.
 * `blocking` connections wait for replies: they wait through an outage too.
 */
const OPTIONS = {
  command: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 5_000 },
  blocking: { maxRetriesPerRequest: null },
} satisfies Record<string, RedisOptions>;

/**
 * Resolves when the connection is ready; from then on it reconnects by itself.
 * `address` is the path of a Unix socket or a redis:// or rediss:// URL. Errors: QUEUE_UNAVAILABLE after 10 s.
 */
export async function connectRedis(
  address: string,
  kind: keyof typeof OPTIONS,
  logger: Logger,
): Promise<Redis> {
  const redis = new Redis(address, {
    ...OPTIONS[kind],
    connectionName: `mayfly-gateway-${kind}`,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1_000),
  });
  let lastError: unknown;
  let isAway = false;
  redis.on("error", (error) => {
    lastError = error;
    if (!isAway) logger.warn({ err: error, connection: kind }, "Redis cannot be reached; trying again");
    isAway = true;
  });
  redis.on("ready", () => {
    if (isAway) logger.info({ connection: kind }, "Redis is reached again");
    isAway = false;
  });

  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once("ready", resolve);
      timer = setTimeout(reject, CONNECT_TIMEOUT_MS);
    });
    return redis;
  } catch {
    redis.disconnect();
    throw new MayflyError("QUEUE_UNAVAILABLE", {
      message: `Cannot reach Redis within ${CONNECT_TIMEOUT_MS / 1000} s: start it, or correct MAYFLY_REDIS`,
      cause: lastError,
    });
  } finally {
    clearTimeout(timer);
  }
}
