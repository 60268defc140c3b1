/** The worker's connection to Redis: replies and, shared with BullMQ, the queue. main.ts calls it. */
import { Redis } from "ioredis";

/** `target` is the path of a Unix socket or a redis:// URL. Connects in the background and again when lost. */
export function connectRedis(target: string): Redis {
  // BullMQ asks for null: a command waits for the connection to return instead of failing.
  const options = { maxRetriesPerRequest: null };
  return target.startsWith("/") ? new Redis({ path: target, ...options }) : new Redis(target, options);
}
