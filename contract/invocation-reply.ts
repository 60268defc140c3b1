/** What the worker tells the waiting gateway about an invocation: one JSON text on the gateway's reply list. */
import { z } from "zod";
import { autopsy } from "./autopsy.ts";
import { invocationId } from "./invocation-job.ts";
import { VERDICT_NAMES } from "./verdicts.ts";

/** What the function's own code reported, or what ended its process. */
export const invocationFault = z.object({
  /** The error's class name (`TypeError`), or for other verdicts a stable word such as `Exit` or `Signal`. */
  type: z.string(),
  message: z.string(),
  stack: z.array(z.string()).optional(),
  /** Of a process that ended: exactly one of the two. */
  exitCode: z.number().int().optional(),
  signal: z.string().optional(),
  /** With a timeout: what the function was doing. */
  autopsy: autopsy.optional(),
});
export type InvocationFault = z.output<typeof invocationFault>;

/** Milliseconds, fractions allowed; a phase that was not reached is absent. */
export const invocationTimings = z.object({
  /** From enqueueing to the worker taking the job. */
  queueMs: z.number().optional(),
  /** From asking the pool to a sandbox ready for the event: waiting, limits and mounts. */
  leaseMs: z.number().optional(),
  /** Loading the function's module, measured inside the sandbox. */
  initMs: z.number().optional(),
  /** The handler, measured inside the sandbox. */
  runMs: z.number().optional(),
});
export type InvocationTimings = z.output<typeof invocationTimings>;

export const invocationReply = z.object({
  invocationId,
  verdict: z.enum(VERDICT_NAMES),
  /** The answer as JSON text; with verdict `ok` only. */
  body: z.string().optional(),
  fault: invocationFault.optional(),
  timings: invocationTimings,
  /** The last LIMITS.logTailBytes of the log. */
  logTail: z.string().optional(),
});
export type InvocationReply = z.output<typeof invocationReply>;
