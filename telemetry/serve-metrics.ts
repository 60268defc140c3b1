/**
 * GET /metrics, for Prometheus, on a port of its own: no key is asked for there, and it need not be reachable from where
 * functions are called. start-telemetry.ts starts it.
 *
 * The exporter's own server is not used: it leaves out the units that OpenTelemetry's rules put into Prometheus' names
 * (specification, "Prometheus and OpenMetrics Compatibility"), and a port that is taken is only a line in its log.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import {
  DataPointType,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { MayflyError } from "../contract/index.ts";
import type { MetricsAddress } from "./metrics-address.ts";

const UNIT_WORDS: Record<string, string> = { s: "seconds", By: "bytes" };
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Collects when it is asked to. */
class ScrapeReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Errors: SETTINGS_INVALID, naming the address and the cure. */
export async function serveMetrics(
  address: MetricsAddress,
): Promise<{ url: string; reader: MetricReader; close(): void }> {
  const reader = new ScrapeReader();
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404).end("There is only GET /metrics here\n");
      return;
    }
    reader.collect().then(
      ({ resourceMetrics }) => {
        response.writeHead(200, { "Content-Type": CONTENT_TYPE });
        response.end(serializer.serialize(withUnits(resourceMetrics)));
      },
      () => response.writeHead(500).end("The metrics cannot be read\n"),
    );
  });
  const { host, port } = address;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new MayflyError("SETTINGS_INVALID", {
      message:
        `Cannot show metrics on ${host} port ${port} (${code}): choose another by MAYFLY_GATEWAY_METRICS_PORT or ` +
        "MAYFLY_WORKER_METRICS_PORT, or say off there",
      cause,
    });
  }
  server.unref();
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${(server.address() as AddressInfo).port}/metrics`,
    reader,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function withUnits(all: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = all.scopeMetrics.map((scope) => ({ ...scope, metrics: scope.metrics.map(withUnit) }));
  return { ...all, scopeMetrics };
}

function withUnit(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  const isRatio = unit === "1" && metric.dataPointType === DataPointType.GAUGE;
  const word = isRatio ? "ratio" : UNIT_WORDS[unit];
  /* What is counted in braces, `{invocation}`, is no part of a name. */
  if (word === undefined) return { ...metric, descriptor: { ...metric.descriptor, unit: "" } };
  const hasIt = name.endsWith(`.${word}`) || name.endsWith(`_${word}`);
  return {
    ...metric,
    descriptor: { ...metric.descriptor, name: hasIt ? name : `${name}.${word}`, unit: word },
  };
}
