/** What pools and sandboxes measure. docs/guides/observing.md lists all metrics. */
import type { Network, PoolStatus, Runtime } from "../contract/index.ts";
import {
  counter,
  gauge,
  histogram,
  observeCounter,
  observeGauge,
  type Reading,
} from "../telemetry/metrics.ts";
import { readPressureSeconds } from "./machine-pressure.ts";
import type { SandboxPool } from "./sandbox.ts";

export const leaseDuration = histogram("mayfly.lease.duration", {
  unit: "s",
  description: "From asking a pool to having a sandbox",
});
export const coldStarts = counter("faas.coldstarts", {
  unit: "{coldstart}",
  description: "Leases that found no parked sandbox and waited for one",
});
export const createDuration = histogram("mayfly.sandbox.create.duration", {
  unit: "s",
  description: "Making one sandbox, until it is parked",
});
export const teardownDuration = histogram("mayfly.sandbox.teardown.duration", {
  unit: "s",
  description: "From cgroup.kill until nothing of a sandbox is left",
});
export const zygoteStarts = counter("mayfly.zygote.starts", {
  unit: "{start}",
  description: "Zygotes started, the first one included",
});
export const execFallback = gauge("mayfly.runtime.exec_fallback", {
  unit: "{runtime}",
  description: "1 where a runtime's processes are executed because its zygote cannot be forked",
});

export const poolAttributes = (pool: {
  runtime: Runtime;
  network: Network;
  functionName?: string | undefined;
}) => ({
  "mayfly.runtime": pool.runtime,
  "mayfly.network": pool.network,
  ...(pool.functionName !== undefined && { "faas.name": pool.functionName }),
});

/** Once, when telemetry has started. */
export function observePools(pools: SandboxPool): void {
  const ofEach = (read: (pool: PoolStatus) => number) => () =>
    pools.stats().map((pool): Reading => [read(pool), poolAttributes(pool)]);

  observeGauge("mayfly.sandbox.count", { unit: "{sandbox}", description: "Sandboxes, by state" }, () =>
    pools
      .stats()
      .flatMap((pool) =>
        (["parked", "starting", "leased"] as const).map(
          (state): Reading => [pool[state], { ...poolAttributes(pool), "mayfly.state": state }],
        ),
      ),
  );
  for (const [name, description] of [
    ["target", "Sandboxes that a pool wants to have parked"],
    ["floor", "The least that it may want"],
    ["ceiling", "The most that it may want"],
    ["waiting", "Leases that wait for a sandbox"],
  ] as const)
    observeGauge(
      `mayfly.pool.${name}`,
      { unit: "{sandbox}", description },
      ofEach((pool) => pool[name]),
    );
  for (const [name, description, read] of [
    ["mayfly.sandbox.leaks", "Sandboxes of which something could not be removed", (pool) => pool.leaked],
    ["mayfly.sandbox.retired", "Parked sandboxes taken away as too many", (pool) => pool.retired],
    ["mayfly.sandbox.deaths", "Parked sandboxes that died", (pool) => pool.died],
    ["mayfly.sandbox.create.failures", "Sandboxes that could not be made", (pool) => pool.failed],
  ] as [string, string, (pool: PoolStatus) => number][])
    observeCounter(name, { unit: "{sandbox}", description }, ofEach(read));

  observeGauge(
    "mayfly.pool.budget",
    { unit: "By", description: "What all parked sandboxes together may take" },
    () => [[pools.sizing.poolBudgetBytes]],
  );
  observeGauge(
    "mayfly.pressure",
    {
      unit: "1",
      description: "Share of the last ten seconds in which something waited for it (PSI, some avg10)",
    },
    () => {
      const { cpu, memory } = pools.sizing.pressure;
      return [
        [cpu / 100, { "mayfly.resource": "cpu" }],
        [memory / 100, { "mayfly.resource": "memory" }],
      ];
    },
  );
  observeCounter(
    "mayfly.pressure.time",
    { unit: "s", description: "Time in which something waited for it (PSI, some total)" },
    () => {
      const { cpu, memory } = readPressureSeconds();
      return [
        [cpu, { "mayfly.resource": "cpu" }],
        [memory, { "mayfly.resource": "memory" }],
      ];
    },
  );
  observeCounter(
    "mayfly.cgroup.cpu",
    { unit: "s", description: "CPU time of all sandboxes, those that are gone included" },
    () => [[pools.usage().cpuUs / 1e6]],
  );
  observeGauge("mayfly.cgroup.memory", { unit: "By", description: "Memory of all sandboxes now" }, () => [
    [pools.usage().memoryBytes],
  ]);
}
