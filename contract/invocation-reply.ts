/**
 * What the worker tells the waiting gateway about an invocation, as one entry of the gateway's reply list: a line of
 * JSON, and after it the answer as the function wrote it. So nobody on its way reads or copies six megabytes as text.
 */
import { z } from "zod";
import { autopsy } from "./autopsy.ts";
import { invocationId } from "./invocation-job.ts";
import { traceContext } from "./trace-context.ts";
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
  fault: invocationFault.optional(),
  timings: invocationTimings,
  /** The last LIMITS.logTailBytes of the log. */
  logTail: z.string().optional(),
  /** Unix time in milliseconds, fractions allowed, at which the worker sent it. */
  sentAtMs: z.number().positive().optional(),
  /** What the gateway's span of its way belongs to. */
  trace: traceContext.optional(),
});
export interface InvocationReply extends z.output<typeof invocationReply> {
  /** The answer as JSON text in UTF-8; with verdict `ok` only. */
  body?: Buffer;
}

const LINE_FEED = 0x0a;

export function encodeReply({ body, ...reply }: InvocationReply): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(reply)}\n`), body ?? Buffer.alloc(0)]);
}

/** Undefined when it is no reply. */
export function decodeReply(bytes: Buffer): InvocationReply | undefined {
  const end = bytes.indexOf(LINE_FEED);
  const reply = invocationReply.safeParse(end < 0 ? undefined : parseLine(bytes.toString("utf8", 0, end)));
  if (!reply.success) return undefined;
  return end + 1 === bytes.length ? reply.data : { ...reply.data, body: bytes.subarray(end + 1) };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
