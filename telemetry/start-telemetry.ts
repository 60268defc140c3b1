/**
 * Begins to trace and to measure, once, in a process's main.ts, before anything uses a metric, and before it gives up rights:
 * the packages may lie where only root reads. What is not asked for is
 * not loaded: without a metrics port and without OTEL_ variables OpenTelemetry's SDK stays on the disk.
 *
 * Traces leave by OTLP when OTEL_EXPORTER_OTLP_ENDPOINT (or its form for traces) or OTEL_TRACES_EXPORTER is set; metrics
 * by OTLP likewise, beside /metrics. All OTEL_ variables mean what OpenTelemetry's specification says, but for
 * OTEL_SERVICE_NAME: gateway and worker share an environment and are two services.
 */
import { hostname } from "node:os";
import type { MetricReader } from "@opentelemetry/sdk-metrics";
import { listenForDiagnostics } from "./diagnostics.ts";
import type { Logger } from "./logger.ts";
import type { MetricsAddress } from "./metrics-address.ts";
import { observeProcess } from "./observe-process.ts";

export interface TelemetryOptions {
  /** `mayfly-gateway` or `mayfly-worker`. */
  serviceName: string;
  /** Names this service among others on the machine. */
  instance: string;
  /** Absent: nothing listens. */
  metrics: MetricsAddress | undefined;
  env: NodeJS.ProcessEnv;
  logger: Logger;
}

export interface Telemetry {
  /** Of /metrics. */
  url: string | undefined;
  /** Sends what is left, at most for a moment: a collector that is away delays no shutdown. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;

/** Errors: SETTINGS_INVALID when the metrics port cannot be had. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { env, logger, metrics, serviceName, instance } = options;
  const exports = { traces: wants("TRACES", env), metrics: wants("METRICS", env) };
  const isDisabled = env.OTEL_SDK_DISABLED?.toLowerCase() === "true";
  if (isDisabled || (metrics === undefined && !exports.traces && !exports.metrics))
    return { url: undefined, close: async () => {} };

  listenForDiagnostics(logger);
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const { envDetector, resourceFromAttributes, serviceInstanceIdDetector } = await import(
    "@opentelemetry/resources"
  );
  /* Its exporters load it when they send first. */
  if (speaksGrpc(env)) await import("@grpc/grpc-js");
  const scrape = metrics && (await (await import("./serve-metrics.ts")).serveMetrics(metrics));
  const readers: MetricReader[] = [
    ...(scrape ? [scrape.reader] : []),
    ...(exports.metrics ? [await createMetricsExport(env)] : []),
  ];
  const sdk = new NodeSDK({
    serviceName,
    resource: resourceFromAttributes({
      "service.namespace": "mayfly",
      "mayfly.instance": instance,
      "host.name": hostname(),
    }),
    // Not the process's command line: its paths are nobody's business.
    resourceDetectors: [serviceInstanceIdDetector, envDetector],
    metricReaders: readers,
    // Left out, the SDK reads the environment.
    ...(!exports.traces && { spanProcessors: [] }),
    // Logs are lines on stdout, with the ids of their span.
    logRecordProcessors: [],
  });
  sdk.start();
  if (readers.length > 0) observeProcess();
  logger.info({ sent: exports, metricsUrl: scrape?.url }, "telemetry is on");
  return {
    url: scrape?.url,
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([sdk.shutdown().catch(() => {}), late]);
      scrape?.close();
    },
  };
}

/** Is this signal to leave by OTLP (or by what OTEL_<signal>_EXPORTER names)? */
function wants(signal: "TRACES" | "METRICS", env: NodeJS.ProcessEnv): boolean {
  const exporter = env[`OTEL_${signal}_EXPORTER`];
  if (exporter) return !/\bnone\b/.test(exporter) && !(signal === "METRICS" && exporter === "prometheus");
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
}

const speaksGrpc = (env: NodeJS.ProcessEnv): boolean =>
  ["", "TRACES_", "METRICS_"].some((signal) => env[`OTEL_EXPORTER_OTLP_${signal}PROTOCOL`] === "grpc");

/** The SDK makes this itself only where there is no reader of ours. Interval by OTEL_METRIC_EXPORT_INTERVAL. */
async function createMetricsExport(env: NodeJS.ProcessEnv): Promise<MetricReader> {
  const { PeriodicExportingMetricReader } = await import("@opentelemetry/sdk-metrics");
  const protocol = env.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const { OTLPMetricExporter } =
    protocol === "grpc"
      ? await import("@opentelemetry/exporter-metrics-otlp-grpc")
      : protocol === "http/json"
        ? await import("@opentelemetry/exporter-metrics-otlp-http")
        : await import("@opentelemetry/exporter-metrics-otlp-proto");
  const everyMs = Number(env.OTEL_METRIC_EXPORT_INTERVAL) || 60_000;
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: everyMs,
    exportTimeoutMillis: Math.min(everyMs, 10_000),
  });
}
