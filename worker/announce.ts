/**
 * Tells the gateway every few seconds that this worker lives and how many invocations it runs at a time
 * (contract/worker-announcement.ts). consume.ts starts it once jobs are taken.
 */
import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { ANNOUNCE, WORKER_ANNOUNCEMENTS, type WorkerAnnouncement } from "../contract/index.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface Announcer {
  /** Takes the announcement back, so that no more invocations are sent out for this worker. Never rejects. */
  stop(): Promise<void>;
}

/** Resolves when Redis has the first announcement. */
export async function announce(redis: Redis, concurrency: number, logger: Logger): Promise<Announcer> {
  const id = randomUUID();
  const say = async () => {
    const announcement: WorkerAnnouncement = {
      concurrency,
      untilMs: Date.now() + ANNOUNCE.ttlMs,
    };
    const results = await redis
      .pipeline()
      .hset(WORKER_ANNOUNCEMENTS, id, JSON.stringify(announcement))
      // When the last worker has died, nothing stays.
      .pexpire(WORKER_ANNOUNCEMENTS, ANNOUNCE.ttlMs)
      .exec();
    for (const [error] of results ?? []) if (error) throw error;
  };
  /* While Redis is away one command waits for it; a second would only wait behind it. */
  let isSaying = false;
  const timer = setInterval(() => {
    if (isSaying) return;
    isSaying = true;
    say()
      .catch((err) => logger.warn({ err }, "the worker cannot be announced"))
      .finally(() => {
        isSaying = false;
      });
  }, ANNOUNCE.everyMs).unref();
  await say();

  return {
    async stop() {
      clearInterval(timer);
      try {
        await redis.hdel(WORKER_ANNOUNCEMENTS, id);
      } catch (err) {
        logger.warn({ err }, "the worker's announcement cannot be taken back");
      }
    },
  };
}
