/**
 * Metrics, by OpenTelemetry's API. Instruments are named where they are used (gateway/, worker/, pool/ have a metrics file
 * each); docs/guides/observing.md lists all. The API has no meter before start-telemetry.ts has run, so an
 * instrument is made when it is used first.
 */
import { type Attributes, type Meter, type MetricOptions, metrics } from "@opentelemetry/api";

type Described = Required<Pick<MetricOptions, "description" | "unit">>;

/** From a fraction of a millisecond, which a lease takes, to the longest a function may run. */
const SECONDS = [
  0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30, 60, 300, 900,
];
const MIB = 1024 * 1024;
const BYTES = [8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096, 10_240].map((n) => n * MIB);

const meter = (): Meter => metrics.getMeter("mayfly");

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Of seconds (`s`) or bytes (`By`). */
export function histogram(name: string, described: Described) {
  const explicitBucketBoundaries = described.unit === "By" ? BYTES : SECONDS;
  const get = lazily(() =>
    meter().createHistogram(name, { ...described, advice: { explicitBucketBoundaries } }),
  );
  return { record: (value: number, attributes?: Attributes) => get().record(value, attributes) };
}

export function counter(name: string, described: Described) {
  const get = lazily(() => meter().createCounter(name, described));
  return { add: (value: number, attributes?: Attributes) => get().add(value, attributes) };
}

export function upDownCounter(name: string, described: Described) {
  const get = lazily(() => meter().createUpDownCounter(name, described));
  return { add: (value: number, attributes?: Attributes) => get().add(value, attributes) };
}

export function gauge(name: string, described: Described) {
  const get = lazily(() => meter().createGauge(name, described));
  return { record: (value: number, attributes?: Attributes) => get().record(value, attributes) };
}

/** One reading: a value, and what it is of. */
export type Reading = [value: number, attributes?: Attributes];

/** Read at each scrape. After startTelemetry() only: before, nobody would ever ask. */
export function observeGauge(name: string, described: Described, read: () => Iterable<Reading>): void {
  meter()
    .createObservableGauge(name, described)
    .addCallback((result) => {
      for (const [value, attributes] of read()) result.observe(value, attributes);
    });
}

/** As observeGauge(), of what only grows while the process lives. */
export function observeCounter(name: string, described: Described, read: () => Iterable<Reading>): void {
  meter()
    .createObservableCounter(name, described)
    .addCallback((result) => {
      for (const [value, attributes] of read()) result.observe(value, attributes);
    });
}
