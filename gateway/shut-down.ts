/** Stops the gateway in order. Called by main.ts on SIGTERM and SIGINT. */
import type { Server } from "node:http";
import type { Logger } from "../telemetry/logger.ts";

/** How often connections that became idle are closed: server.close() closes only those idle at its call. */
const CLOSE_IDLE_EVERY_MS = 50;

/**
 * Accepts no more, lets requests in flight finish for at most `graceMs`, cuts the others off, then runs `closers`
 * in their order, all of them even when one fails.
 */
export async function shutDown(
  server: Server,
  closers: (() => Promise<unknown>)[],
  graceMs: number,
  logger: Logger,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const cutOff = setTimeout(() => {
    logger.warn({ graceMs }, "Requests are still in flight and are cut off");
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(closeIdle);
  clearTimeout(cutOff);

  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      logger.warn({ err: error }, "Something cannot be closed");
    }
  }
}
