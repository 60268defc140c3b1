/**
 * What the gateway tells the workers about functions that keep sandboxes initialised (`prewarm` in function-config.ts):
 * the registry writes it when a function is deployed or deleted, and each worker makes the sandboxes (worker/prewarmer.ts).
 */
import { z } from "zod";
import { invocationJob } from "./invocation-job.ts";
import { LIMITS } from "./limits.ts";

/** A hash in Redis: function name → a prewarmFunction as JSON. Its environment is there as in the registry. */
export const PREWARM_FUNCTIONS = "mayfly:prewarm";
/** A channel of Redis: the hash has changed. The message is the function's name. */
export const PREWARM_CHANGED = "mayfly:prewarm:changed";

/** All of a job that is the function's and not the invocation's. */
const deployedFunction = invocationJob.pick({
  functionName: true,
  runtime: true,
  handler: true,
  limits: true,
  environment: true,
  network: true,
  egress: true,
  bundleDigest: true,
  layerDigests: true,
  writableRoot: true,
  volumes: true,
});
export type DeployedFunction = z.output<typeof deployedFunction>;

export const prewarmFunction = deployedFunction.extend({
  prewarm: z.number().int().min(1).max(LIMITS.prewarmMax),
});
export type PrewarmFunction = z.output<typeof prewarmFunction>;

/**
 * Equal for two deployments that the same sandboxes serve, whatever else a job or a record holds. Both must have been parsed:
 * that puts their keys in one order. By hand, because every invocation asks.
 */
export function deploymentKey(deployed: DeployedFunction): string {
  const { functionName, runtime, handler, limits, environment, network, egress } = deployed;
  const { bundleDigest, layerDigests, writableRoot, volumes } = deployed;
  const settings = [functionName, runtime, handler, limits, environment, network, egress ?? null];
  return JSON.stringify([...settings, bundleDigest, layerDigests, writableRoot, volumes]);
}
