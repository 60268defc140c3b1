/**
 * Spans, by OpenTelemetry's API. While nothing is traced (start-telemetry.ts) all of this does nothing and costs a
 * function call. A span is ended by who began it: there is no other way to have one than inSpan() or recordSpan().
 */
import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { unixMs } from "./clock.ts";

export { type Attributes, type Span, SpanKind } from "@opentelemetry/api";

/** W3C trace context, as it travels in a job, in a frame and in HTTP headers. */
export interface TraceCarrier {
  traceparent: string;
  tracestate?: string;
}

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Default: what is active. */
  parent?: Context;
}

const tracer = trace.getTracer("mayfly");

/**
 * Runs `work` within a span that ends with it; what it throws marks the span as failed, by its class or `code`. Its
 * times are unixMs()'s: OpenTelemetry's own begin at whole milliseconds.
 */
export function inSpan<T>(
  name: string,
  { kind, attributes, parent }: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const options = {
    startTime: unixMs(),
    ...(kind !== undefined && { kind }),
    ...(attributes && { attributes }),
  };
  return tracer.startActiveSpan(name, options, parent ?? context.active(), async (span) => {
    try {
      return await work(span);
    } catch (error) {
      failSpan(span, errorTypeOf(error));
      throw error;
    } finally {
      span.end(unixMs());
    }
  });
}

/** A span of what is over, or was measured elsewhere. Times in milliseconds of Unix time (clock.ts). */
export function recordSpan(
  name: string,
  startMs: number,
  endMs: number,
  { kind, attributes, parent }: SpanOptions = {},
): void {
  const options = {
    startTime: startMs,
    ...(kind !== undefined && { kind }),
    ...(attributes && { attributes }),
  };
  tracer.startSpan(name, options, parent ?? context.active()).end(Math.max(startMs, endMs));
}

/** `errorType`: a class of errors or a verdict, never a message, which may hold what is a caller's. */
export function failSpan(span: Span, errorType: string): void {
  span.setAttribute("error.type", errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** On the active span, if there is one. */
export function annotateSpan(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** The active span, for whoever carries on; undefined while nothing is traced. */
export function traceCarrier(): TraceCarrier | undefined {
  const carrier: Partial<TraceCarrier> = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent === undefined ? undefined : (carrier as TraceCarrier);
}

/** Of a carrier that came from outside: what is no trace context is as none. */
export function contextOf(carrier: Partial<TraceCarrier> | undefined): Context {
  return carrier === undefined ? context.active() : propagation.extract(context.active(), carrier);
}

function errorTypeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === "string") return code;
  return typeof name === "string" ? name : "Error";
}
