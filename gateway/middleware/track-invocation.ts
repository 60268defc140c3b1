/**
 * Gives an invocation its id, and every answer to it, errors included, X-Mayfly-Invocation-Id and Server-Timing; counts
 * it by its verdict.
 */
import { randomUUIDv7 } from "node:crypto";
import { createMiddleware } from "hono/factory";
import type { InvocationTimings, Verdict } from "../../contract/index.ts";
import { annotateSpan } from "../../telemetry/tracing.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { countInvocation } from "../gateway-metrics.ts";

/** The phases in the order in which they happen, under their names in Server-Timing. */
const PHASES = [
  ["queue", "queueMs"],
  ["lease", "leaseMs"],
  ["init", "initMs"],
  ["run", "runMs"],
] as const satisfies [string, keyof InvocationTimings][];

export const trackInvocation = createMiddleware<GatewayEnv>(async (c, next) => {
  const startedAt = performance.now();
  const invocationId = randomUUIDv7();
  c.set("invocationId", invocationId);
  c.set("timings", {});
  annotateSpan({ "faas.trigger": "http", "faas.invocation_id": invocationId });
  // Errors do not come through here: Hono has made them an answer when next() returns.
  await next();
  c.header("X-Mayfly-Invocation-Id", invocationId);
  c.header("Server-Timing", serverTiming(c.get("timings"), performance.now() - startedAt));
  const verdict: Verdict | undefined = c.get("verdict");
  if (verdict === undefined) return;
  const functionName = c.req.param("name") ?? "";
  countInvocation(functionName, verdict);
  annotateSpan({ "faas.name": functionName, "mayfly.verdict": verdict });
});

/** `total` is what the gateway saw; the phases that the invocation did not reach are absent. */
function serverTiming(timings: InvocationTimings, totalMs: number): string {
  const entries = PHASES.flatMap(([name, key]) => {
    const ms = timings[key];
    return ms === undefined ? [] : [`${name};dur=${round(ms)}`];
  });
  return [...entries, `total;dur=${round(totalMs)}`].join(", ");
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
