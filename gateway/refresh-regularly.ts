/**
 * Keeps what the gateway remembers of Redis fresh, beside the invocations, so that none of them pays a round trip for it.
 * main.ts starts it.
 */
import type { Logger } from "../telemetry/logger.ts";

const EVERY_MS = 1_000;

/** Begins at once; the result ends it. A task that fails is tried again the next time, and told once. */
export function refreshRegularly(tasks: (() => Promise<void>)[], logger: Logger): () => void {
  const timers = tasks.map((task) => {
    let isRunning = false;
    let hasFailed = false;
    const run = async () => {
      if (isRunning) return;
      isRunning = true;
      try {
        await task();
        hasFailed = false;
      } catch (err) {
        if (!hasFailed)
          logger.warn({ err }, "Something remembered of Redis cannot be refreshed; trying again");
        hasFailed = true;
      }
      isRunning = false;
    };
    void run();
    return setInterval(() => void run(), EVERY_MS).unref();
  });
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}
