/**
 * What telemetry costs: the whole service twice, once with everything off and once with every invocation traced, spans
 * sent by OTLP, and metrics scraped once a second; under load in turn, in one run. As root, after `npm run setup`:
 * `node loadtest/telemetry-cost.ts [rounds]`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePorts } from "../infra/free-ports.ts";
import { COUNTING, type Load, loadCount } from "./bench/load.ts";
import { Scope } from "./bench/scope.ts";
import { type BenchService, launchBenchService, targetOf, untilIdle } from "./bench/service.ts";
import { percentile } from "./percentile.ts";

const GENERATOR = fileURLToPath(new URL("bench/load-generator.ts", import.meta.url));
const LOAD = { answer: '{"hello":"you"}', inFlight: 8, warmUpSeconds: 1, seconds: 4 };
const EVENT = '{"name":"you"}';
const SCRAPE_EVERY_MS = 1000;

const rounds = Number(process.argv[2] ?? 10);
const scope = new Scope();
try {
  const collector = await receiveAndDrop();
  const [metricsPort, workerPort] = await freePorts(2);
  const services = {
    off: await launchBenchService(scope, `cost-off-${process.pid}`),
    on: await launchBenchService(scope, `cost-on-${process.pid}`, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRICS_EXPORTER: "none",
      MAYFLY_GATEWAY_METRICS_PORT: `${metricsPort}`,
      MAYFLY_WORKER_METRICS_PORT: `${workerPort}`,
    }),
  };
  const scraping = setInterval(() => {
    fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
      (response) => response.text(),
      () => {},
    );
  }, SCRAPE_EVERY_MS);
  const rates: Record<"off" | "on", number[]> = { off: [], on: [] };
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const measured = { off: 0, on: 0 };
    for (const which of round % 2 === 0 ? (["off", "on"] as const) : (["on", "off"] as const)) {
      await untilIdle(services[which]);
      measured[which] = await rateOf(services[which]);
      rates[which].push(measured[which]);
    }
    ratios.push(measured.on / measured.off);
    console.log(
      `round ${round + 1}: off ${measured.off.toFixed(1)}/s, on ${measured.on.toFixed(1)}/s, ${ratios.at(-1)?.toFixed(3)}`,
    );
  }
  clearInterval(scraping);
  const median = (values: number[]) =>
    percentile(
      [...values].sort((a, b) => a - b),
      0.5,
    );
  console.log(`\nmedians: off ${median(rates.off).toFixed(1)}/s, on ${median(rates.on).toFixed(1)}/s`);
  console.log(`throughput on : off, median of ${rounds} rounds: ${median(ratios).toFixed(3)}`);
  console.log(`spans received: ${collector.batches()} batches, ${Math.round(collector.bytes() / 1024)} KiB`);
  collector.close();
} finally {
  await scope.close();
}
process.exit(0);

async function rateOf(service: BenchService): Promise<number> {
  const load: Load = { ...LOAD, target: { ...targetOf(service, EVENT), key: service.key } };
  const child = spawn(process.execPath, [GENERATOR, JSON.stringify(load)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  /* Rejects when it cannot be started, so that the services are stopped then too. */
  await once(child, "spawn");
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) if (line !== COUNTING) last = line;
  const { answered, errors, seconds } = loadCount.parse(JSON.parse(last));
  if (errors > 0) throw new Error(`${errors} invocations failed`);
  return answered / seconds;
}

/** Where a collector would be. What it does with spans is its own cost. */
async function receiveAndDrop() {
  let batches = 0;
  let bytes = 0;
  const server = createServer((request, response) => {
    batches += 1;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => response.writeHead(200).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: () => batches,
    bytes: () => bytes,
    close: () => server.close(),
  };
}
