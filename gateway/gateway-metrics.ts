/** What the gateway measures. docs/guides/observing.md lists all metrics. */
import type { Verdict } from "../contract/index.ts";
import { counter, histogram, observeGauge, upDownCounter } from "../telemetry/metrics.ts";
import type { Admission } from "./queue/admission.ts";

export const requestDuration = histogram("http.server.request.duration", {
  unit: "s",
  description: "Duration of HTTP requests",
});
export const activeRequests = upDownCounter("http.server.active_requests", {
  unit: "{request}",
  description: "HTTP requests under way",
});
const invocations = counter("mayfly.invocations", {
  unit: "{invocation}",
  description: "Invocations that have ended, by function and verdict",
});

export function countInvocation(functionName: string, verdict: Verdict): void {
  invocations.add(1, { "faas.name": functionName, "mayfly.verdict": verdict });
}

/** Once, when telemetry has started. */
export function observeQueue(admission: Admission): void {
  observeGauge(
    "mayfly.queue.waiting",
    { unit: "{invocation}", description: "Invocations that wait in the gateway for their turn" },
    () => [[admission.waitingCount]],
  );
  observeGauge(
    "mayfly.queue.waiting.bytes",
    { unit: "By", description: "Events of invocations that wait in the gateway" },
    () => [[admission.waitingBytes]],
  );
  observeGauge(
    "mayfly.queue.sent",
    { unit: "{invocation}", description: "Invocations sent to workers and not answered" },
    () => [[admission.outCount]],
  );
  observeGauge(
    "mayfly.queue.capacity",
    { unit: "{invocation}", description: "Invocations that may be at workers at a time" },
    () => [[admission.width]],
  );
}
