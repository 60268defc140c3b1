/**
 * Fills the registry: copies of a deployed function under other names, written as the gateway writes them
 * (ARCHITECTURE.md, "Where things are"), because 10,000 uploads would take minutes and measure nothing. For growth.ts.
 */
import { Redis } from "ioredis";

const BATCH = 500;

/** Resolves when all are there. */
export async function copyFunction(redisSocket: string, original: string, names: string[]): Promise<void> {
  const redis = new Redis({ path: redisSocket });
  try {
    const record = await redis.hget("mayfly:functions", original);
    const created = await redis.hget("mayfly:functions:created", original);
    if (record === null || created === null) throw new Error(`there is no function ${original}`);
    const parsed = JSON.parse(record);
    for (let start = 0; start < names.length; start += BATCH) {
      const batch = redis.pipeline();
      for (const name of names.slice(start, start + BATCH)) {
        batch.hset("mayfly:functions", name, JSON.stringify({ ...parsed, name }));
        batch.hset("mayfly:functions:created", name, created);
        batch.zadd("mayfly:functions:names", 0, name);
      }
      for (const [error] of (await batch.exec()) ?? []) if (error) throw error;
    }
  } finally {
    redis.disconnect();
  }
}
