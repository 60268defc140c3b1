/**
 * What a Node.js process says of itself, under OpenTelemetry's names (semantic conventions, "Node.js runtime", "V8 JS
 * runtime", "process"). start-telemetry.ts calls it. Written here because the instrumentation that has it brings a
 * loader of modules along, which nothing else of ours needs.
 */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { observeCounter, observeGauge } from "./metrics.ts";

/** How finely lateness is seen; each is a timer. */
const DELAY_RESOLUTION_MS = 20;
const NS_PER_S = 1e9;
const US_PER_S = 1e6;

export function observeProcess(): void {
  let last = performance.eventLoopUtilization();
  observeGauge(
    "nodejs.eventloop.utilization",
    { unit: "1", description: "Share of the time since the last reading in which the event loop was busy" },
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return [[utilization]];
    },
  );

  const delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delays.enable();
  for (const [name, read] of [
    ["p50", () => delays.percentile(50)],
    ["p99", () => delays.percentile(99)],
    ["max", () => delays.max],
  ] as const)
    observeGauge(
      `nodejs.eventloop.delay.${name}`,
      { unit: "s", description: `Lateness of timers since the last reading, ${name}` },
      () => {
        const seconds = Math.max(0, read() / NS_PER_S - DELAY_RESOLUTION_MS / 1000);
        /* The last of the three begins the next interval. */
        if (name === "max") delays.reset();
        return [[seconds]];
      },
    );

  observeGauge("v8js.memory.heap.used", { unit: "By", description: "V8's heap that is in use" }, () => [
    [process.memoryUsage().heapUsed],
  ]);
  observeGauge("process.memory.usage", { unit: "By", description: "Resident memory of the process" }, () => [
    [process.memoryUsage.rss()],
  ]);
  observeCounter("process.cpu.time", { unit: "s", description: "CPU time of the process" }, () => {
    const { user, system } = process.cpuUsage();
    return [
      [user / US_PER_S, { "cpu.mode": "user" }],
      [system / US_PER_S, { "cpu.mode": "system" }],
    ];
  });
}
