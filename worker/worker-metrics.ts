/**
 * What the worker measures: each invocation when it is settled, and what is in hand when somebody asks. What its pools measure
 * is in pool/pool-metrics.ts. docs/guides/observing.md lists all metrics.
 */
import { observePools } from "../pool/pool-metrics.ts";
import type { SandboxPool, Usage } from "../pool/sandbox.ts";
import { counter, histogram, observeGauge } from "../telemetry/metrics.ts";
import type { JudgedInvocation } from "./run-invocation.ts";

const US_PER_S = 1e6;
const MS_PER_S = 1e3;

/* OpenTelemetry's names for functions as a service (semantic conventions, "FaaS metrics"). */
const invokeDuration = histogram("faas.invoke_duration", {
  unit: "s",
  description: "Duration of the handler, measured in the sandbox",
});
const initDuration = histogram("faas.init_duration", {
  unit: "s",
  description: "Duration of loading the function's code, measured in the sandbox",
});
const memUsage = histogram("faas.mem_usage", {
  unit: "By",
  description: "Highest memory use of an invocation's sandbox",
});
const cpuUsage = histogram("faas.cpu_usage", {
  unit: "s",
  description: "CPU time of an invocation's sandbox",
});
const succeeded = counter("faas.invocations", {
  unit: "{invocation}",
  description: "Invocations that ended with the verdict ok",
});
const errors = counter("faas.errors", {
  unit: "{error}",
  description: "Invocations that ended with another verdict",
});
const timeouts = counter("faas.timeouts", {
  unit: "{timeout}",
  description: "Invocations that met their time limit",
});
/* Ours. */
const queueDuration = histogram("mayfly.queue.duration", {
  unit: "s",
  description: "From an invocation's arrival in the gateway's queue to a worker taking it",
});
const throttled = counter("mayfly.invocation.throttled", {
  unit: "s",
  description: "Time that CPU quotas held invocations back",
});
const oomKills = counter("mayfly.invocation.oom_kills", {
  unit: "{kill}",
  description: "Processes of invocations that the kernel killed for memory",
});
const logDropped = counter("mayfly.invocation.log_dropped", {
  unit: "By",
  description: "What invocations logged beyond the limit",
});

/** Once for each invocation, after its answer has left. */
export function recordInvocation({ reply, spent }: JudgedInvocation, usage: Usage | undefined): void {
  const { verdict, timings } = reply;
  const byVerdict = { "mayfly.verdict": verdict };
  if (verdict === "ok") succeeded.add(1);
  else errors.add(1, byVerdict);
  if (verdict === "timeout") timeouts.add(1);
  const { queueMs, initMs, runMs } = timings;
  if (queueMs !== undefined) queueDuration.record(queueMs / MS_PER_S);
  if (initMs !== undefined) initDuration.record(initMs / MS_PER_S);
  if (runMs !== undefined) invokeDuration.record(runMs / MS_PER_S, byVerdict);
  if (usage !== undefined) {
    memUsage.record(usage.memoryPeakBytes);
    cpuUsage.record(usage.cpuUs / US_PER_S);
    throttled.add(usage.throttledUs / US_PER_S);
    oomKills.add(usage.oomKills);
  }
  if (spent !== undefined) logDropped.add(spent.log.droppedBytes);
}

/** Once, when telemetry has started. */
export function observeWorker(
  pool: SandboxPool,
  consumer: { readonly running: number },
  concurrency: number,
): void {
  observePools(pool);
  observeGauge(
    "mayfly.worker.concurrency",
    { unit: "{invocation}", description: "Invocations that this worker takes at a time" },
    () => [[concurrency]],
  );
  observeGauge(
    "mayfly.worker.running",
    { unit: "{invocation}", description: "Invocations that this worker has in hand" },
    () => [[consumer.running]],
  );
}
