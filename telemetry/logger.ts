/** The process's log: JSON lines on stdout, one logger a component. Level by MAYFLY_LOG_LEVEL, default `info`. */
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/**
 * Lines go out together, one write for many, and no invocation waits for the disk; also when the process ends or throws.
 * Only SIGKILL loses the last ones.
 */
const BATCH = { sync: false, minLength: 16 * 1024, periodicFlush: 100 } as const;

/** `component` is the folder that logs: gateway, worker, pool. */
export function createLogger(component: string, level: string): Logger {
  const options = { level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime };
  return pino(options, pino.destination(BATCH));
}
