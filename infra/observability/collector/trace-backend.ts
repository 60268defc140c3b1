/** A store of traces that takes OTLP over HTTP as JSON and keeps the trace ids. For check-collector.ts. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

const exported = z.object({
  resourceSpans: z.array(
    z.looseObject({
      scopeSpans: z.array(z.looseObject({ spans: z.array(z.looseObject({ traceId: z.string() })) })),
    }),
  ),
});

const DEADLINE_MS = 30_000;

export interface TraceBackend {
  url: string;
  /** Of all that came. */
  readonly traceIds: Set<string>;
  /** Rejects after half a minute. */
  untilCame(traceId: string): Promise<void>;
  close(): void;
}

export async function startTraceBackend(): Promise<TraceBackend> {
  const traceIds = new Set<string>();
  const server = createServer(async (request, response) => {
    try {
      for (const { scopeSpans } of exported.parse(await json(request)).resourceSpans)
        for (const { traceId } of scopeSpans.flatMap(({ spans }) => spans)) traceIds.add(traceId);
      response.setHeader("content-type", "application/json").end("{}");
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    traceIds,
    async untilCame(traceId) {
      const deadline = performance.now() + DEADLINE_MS;
      while (!traceIds.has(traceId)) {
        if (performance.now() > deadline)
          throw new Error(`The trace ${traceId} did not come through the collector`);
        await pause(50);
      }
    },
    close: () => server.close().closeAllConnections(),
  };
}
