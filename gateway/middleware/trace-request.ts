/**
 * The span and the metrics of each request, by OpenTelemetry's conventions for HTTP servers; first of all middleware. A
 * caller's `traceparent` makes the span part of its trace; `traceresponse` tells the caller the span's ids
 * (W3C Trace Context Level 2). Probes are measured and not traced.
 */
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { contextOf, failSpan, inSpan, type Span, SpanKind } from "../../telemetry/tracing.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { activeRequests, requestDuration } from "../gateway-metrics.ts";

const PROBES = new Set(["/healthz", "/readyz"]);

export const traceRequest = createMiddleware<GatewayEnv>(async (c, next) => {
  const startedAt = performance.now();
  /* The last that matches is the route; before it come middlewares, of which a request without a route has no other. */
  const path = routePath(c, -1);
  const route = path.endsWith("*") ? undefined : path.replace(/:(\w+)/g, "{$1}");
  const method = { "http.request.method": c.req.method };
  const about = { ...method, ...(route !== undefined && { "http.route": route }) };
  activeRequests.add(1, method);
  try {
    if (PROBES.has(c.req.path)) return await next();
    const { traceparent, tracestate } = c.req.header();
    const parent = contextOf(
      traceparent === undefined ? undefined : { traceparent, ...(tracestate && { tracestate }) },
    );
    const attributes = { ...about, "url.path": c.req.path, "url.scheme": "http" };
    await inSpan(
      `${c.req.method}${route === undefined ? "" : ` ${route}`}`,
      { kind: SpanKind.SERVER, attributes, parent },
      async (span) => {
        await next();
        finish(span, c.res.status);
        if (span.isRecording()) c.header("traceresponse", traceResponse(span));
      },
    );
  } finally {
    activeRequests.add(-1, method);
    requestDuration.record((performance.now() - startedAt) / 1000, {
      ...about,
      "http.response.status_code": c.res.status,
    });
  }
});

/** The caller's own faults are no errors of the server's. */
function finish(span: Span, status: number): void {
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) failSpan(span, `${status}`);
}

function traceResponse(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
