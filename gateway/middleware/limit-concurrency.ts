/**
 * Lets so many requests at a time pass and holds the others back before their bodies are read: uploads are kept
 * in memory, so this bounds how much memory strangers can take.
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../gateway-env.ts";

export function limitConcurrency(maxRequests: number): MiddlewareHandler<GatewayEnv> {
  const waiting: (() => void)[] = [];
  let free = maxRequests;
  return async (_c, next) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await next();
    } finally {
      // The place goes to the one who waits longest, without becoming free in between.
      const first = waiting.shift();
      if (first) first();
      else free += 1;
    }
  };
}
