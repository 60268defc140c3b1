/**
 * What a worker says of itself on its status socket (worker/status-server.ts), for `mayfly ps` and `mayfly top`. It holds
 * names, numbers and limits; never an event, an environment or an answer.
 */
import { z } from "zod";
import { NETWORKS } from "./egress.ts";
import { RUNTIMES } from "./function-config.ts";

/** In this order, each at most once; `destroyed` may follow any. */
export const SANDBOX_STATES = [
  "parked",
  "leased",
  "initialized",
  "running",
  "finished",
  "destroyed",
] as const;

export const sandboxStatus = z.object({
  id: z.string(),
  runtime: z.enum(RUNTIMES),
  network: z.enum(NETWORKS),
  state: z.enum(SANDBOX_STATES),
  /** When it came into this state; milliseconds of Unix time. */
  sinceMs: z.number(),
  /** On the host, PID 1 first. */
  pids: z.array(z.number().int()),
  /** Since it was made. The peak is 0 where the kernel does not count it. */
  cpuUs: z.number(),
  memoryPeakBytes: z.number(),
  /** Of what it is leased for. */
  lease: z
    .object({
      functionName: z.string(),
      /** None yet: it is prepared and waits for its event. */
      invocationId: z.string().optional(),
      cpu: z.number(),
      memoryMb: z.number(),
      pids: z.number(),
      timeoutMs: z.number(),
    })
    .optional(),
});
export type SandboxStatus = z.output<typeof sandboxStatus>;

export const workerStatus = z.object({
  instance: z.string(),
  pid: z.number().int(),
  /** When this was said; milliseconds of Unix time. */
  atMs: z.number(),
  sandboxes: z.array(sandboxStatus),
});
export type WorkerStatus = z.output<typeof workerStatus>;

/** Of the data folder: only root may connect. */
export const STATUS_SOCKET = "run/worker.sock";
