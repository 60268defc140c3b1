/**
 * The protocol on a sandbox's control socket, between the worker and the runner inside the sandbox.
 *
 *   runner → worker   ready                      the process is parked
 *   worker → runner   init                       which function it is to be
 *   runner → worker   initialized + code         only when `init` asks: the handler is loaded, it is parked again
 *   worker → runner   event  + the event         JSON text as the caller sent it; may follow `init` at once
 *   runner → worker   answer + the answer        JSON text, or an error
 *   runner → worker   stack                      instead of an answer, when the time is up
 *
 * Between `init` and the first look at the function's files the runner waits until they are mounted (the gate of
 * native/include/mayfly.h), so that it reads, and sets its environment, while they are.
 *
 * A frame is two 32-bit little-endian lengths, then a header (JSON), then a body (bytes, may be empty):
 *
 *   0        4        8             8+H         8+H+B
 *   | H      | B      | header      | body      |
 *
 * The body stays apart from the header so that neither side parses or copies a large event twice.
 * What comes from the runner is a stranger's: the tenant's code lives in the same process and can write here.
 */
import { z } from "zod";
import type { TraceContext } from "./trace-context.ts";

export const FRAME_PREFIX_BYTES = 8;
/** A header holds names, limits and an environment: far below this. */
export const FRAME_HEADER_MAX_BYTES = 64 * 1024;

/** worker → runner, first. */
export interface InitHeader {
  type: "init";
  functionName: string;
  handler: string;
  memoryMb: number;
  environment: Record<string, string>;
  /** Is there something at /opt? */
  hasLayers: boolean;
  /** Say `initialized` before the event is read. */
  report: boolean;
  /**
   * V8's compiled form of the function's code. `use`: it is at /var/code. `make`: send it as the body of `initialized`
   * (code-files.ts).
   */
  code?: "use" | "make" | undefined;
}

/** worker → runner, once. */
export interface EventHeader {
  type: "event";
  invocationId: string;
  /** Unix time in milliseconds at which the invocation is killed. */
  deadlineMs: number;
  /** For the function: TRACEPARENT and TRACESTATE. */
  trace?: TraceContext;
}

export type WorkerHeader = InitHeader | EventHeader;

const durationMs = z.number().min(0).max(1e9);
const shortText = z.string().max(16_384);

/** runner → worker. */
export const guestHeader = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  /** The process could not enter its sandbox and ended. A step of native/src/steps.def, and why. */
  z.strictObject({
    type: z.literal("failed"),
    step: z.number().int().nonnegative(),
    errno: z.number().int().nonnegative(),
  }),
  z.strictObject({ type: z.literal("initialized"), initMs: durationMs }),
  /** Where its JavaScript was when the time was up; only when asked (pool/autopsy.ts). */
  z.strictObject({ type: z.literal("stack"), stack: z.array(shortText).max(64) }),
  z.strictObject({
    type: z.literal("answer"),
    status: z.enum(["ok", "function_error", "init_error", "response_too_large"]),
    initMs: durationMs.optional(),
    runMs: durationMs.optional(),
    error: z
      .strictObject({ type: shortText, message: shortText, stack: z.array(shortText).max(64).optional() })
      .optional(),
  }),
]);
export type GuestHeader = z.output<typeof guestHeader>;

/** Builds one frame. `body` is sent as it is. */
export function encodeFrame(header: WorkerHeader | GuestHeader, body: Uint8Array = new Uint8Array()): Buffer {
  const headerBytes = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  prefix.writeUInt32LE(headerBytes.length, 0);
  prefix.writeUInt32LE(body.length, 4);
  return Buffer.concat([prefix, headerBytes, body]);
}
