/** The process's log: JSON lines on stdout, one logger a component. Level by MAYFLY_LOG_LEVEL, default `info`. */
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/** `component` is the folder that logs: gateway, worker, pool. */
export function createLogger(component: string, level: string): Logger {
  return pino({ level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime });
}
