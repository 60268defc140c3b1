/**
 * The job that the gateway puts on the queue and the worker takes off it. It carries everything that the worker
 * needs, so that a worker never reads the registry. Jobs are removed from Redis as soon as they end, because
 * they hold the event and the function's environment.
 */
import { z } from "zod";
import { egressPolicy, NETWORKS } from "./egress.ts";
import { bundleDigest, completeLimits, functionConfig, functionName, RUNTIMES } from "./function-config.ts";
import { LIMITS } from "./limits.ts";
import { traceContext } from "./trace-context.ts";

/** The BullMQ queue. */
export const INVOCATION_QUEUE = "mayfly-invocations";

/** The Redis list on which one gateway process waits for replies; `gatewayId` is new at each start. */
export const replyList = (gatewayId: string): string => `mayfly:replies:${gatewayId}`;

/** UUID version 7 of an invocation: sortable by time, unguessable enough for logs. */
export const invocationId = z.uuid();

export const invocationJob = z.strictObject({
  invocationId,
  gatewayId: z.string().min(1).max(64),
  functionName,
  runtime: z.enum(RUNTIMES),
  handler: z.string(),
  limits: completeLimits,
  environment: z.record(z.string(), z.string()),
  network: z.enum(NETWORKS),
  egress: egressPolicy.optional(),
  bundleDigest,
  /** In the order of the function's layers: later ones lie above earlier ones. */
  layerDigests: z.array(bundleDigest).max(LIMITS.layers),
  writableRoot: z.boolean(),
  volumes: functionConfig.shape.volumes.unwrap(),
  /** The event as JSON text, exactly as the caller sent it: at most LIMITS.eventBytes bytes. */
  event: z.string(),
  /** Unix time in milliseconds, fractions allowed, at which it came to the gateway's queue. */
  enqueuedAtMs: z.number().positive(),
  /** Unix time in milliseconds after which a worker must not start it any more. */
  startBeforeMs: z.number().positive(),
  /** Unix time in milliseconds at which the gateway sent it: its turn had come. */
  sentAtMs: z.number().positive(),
  /** What the worker's spans, and the function's, belong to. */
  trace: traceContext.optional(),
});
export type InvocationJob = z.output<typeof invocationJob>;
