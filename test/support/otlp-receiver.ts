/** Receives OTLP over HTTP as JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json), as a collector does, and keeps the spans. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

const anyValue = z.looseObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
});
const attributes = z.array(z.object({ key: z.string(), value: anyValue })).default([]);
const exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.looseObject({ attributes }),
      scopeSpans: z.array(
        z.looseObject({
          spans: z.array(
            z.looseObject({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes,
            }),
          ),
        }),
      ),
    }),
  ),
});

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  service: string;
  /** Milliseconds of Unix time. */
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | undefined>;
}

export interface OtlpReceiver {
  url: string;
  /** Resolves to the spans of a trace once `isComplete`; rejects with their names after ten seconds. */
  trace(traceId: string, isComplete: (spans: ReceivedSpan[]) => boolean): Promise<ReceivedSpan[]>;
  close(): void;
}

const WAIT_MS = 10_000;
const NS_PER_MS = 1e6;

export async function receiveOtlp(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    const body = await json(request);
    if (request.url === "/v1/traces") spans.push(...spansOf(body));
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async trace(traceId, isComplete) {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const found = spans.filter((span) => span.traceId === traceId);
        if (isComplete(found)) return found;
        if (performance.now() > deadline)
          throw new Error(`the trace is not complete: ${found.map(({ name }) => name).join(", ")}`);
        await pause(50);
      }
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function spansOf(body: unknown): ReceivedSpan[] {
  return exported.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = `${valuesOf(resource.attributes)["service.name"]}`;
    return scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || undefined,
        name: span.name,
        service,
        startMs: Number(span.startTimeUnixNano) / NS_PER_MS,
        endMs: Number(span.endTimeUnixNano) / NS_PER_MS,
        attributes: valuesOf(span.attributes),
      })),
    );
  });
}

const valuesOf = (list: z.output<typeof attributes>) =>
  Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
