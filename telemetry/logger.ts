/**
 * The process's log: JSON lines on stdout, one logger a component. Level by MAYFLY_LOG_LEVEL, default `info`. A line
 * written within a span says which: `trace_id`, `span_id` and `trace_flags`, the names that OpenTelemetry gives them
 * (specification, "Trace Context in non-OTLP Log Formats").
 */
import { isSpanContextValid, trace } from "@opentelemetry/api";
import { type Logger, pino } from "pino";

export type { Logger } from "pino";

/** `component` is the folder that logs: gateway, worker, pool. */
export function createLogger(component: string, level: string): Logger {
  return pino({
    level,
    base: { component },
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: activeSpanIds,
  });
}

/** Nothing while nothing is traced. */
function activeSpanIds(): object {
  const ids = trace.getActiveSpan()?.spanContext();
  if (ids === undefined || !isSpanContextValid(ids)) return {};
  return {
    trace_id: ids.traceId,
    span_id: ids.spanId,
    trace_flags: ids.traceFlags.toString(16).padStart(2, "0"),
  };
}
