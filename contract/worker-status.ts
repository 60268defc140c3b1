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

/**
 * Why a pool has its size: `floor` (nothing asks for more), `rate` (arrivals and bursts), `ceiling` (they ask for more
 * than is allowed), `memory_budget` (pools together may not take more), `memory_pressure` (the machine is short of it).
 */
export const POOL_SIZE_REASONS = ["floor", "rate", "ceiling", "memory_budget", "memory_pressure"] as const;
export type PoolSizeReason = (typeof POOL_SIZE_REASONS)[number];

const poolDecision = z.object({
  /** Milliseconds of Unix time. */
  atMs: z.number(),
  from: z.number(),
  to: z.number(),
  reason: z.enum(POOL_SIZE_REASONS),
  /** What it was decided by: leases a second, milliseconds to make a sandbox, leases at once. */
  ratePerSecond: z.number(),
  refillMs: z.number(),
  burst: z.number(),
});
export type PoolDecision = z.output<typeof poolDecision>;

/** One pool: sandboxes of a runtime and network, or of a prewarmed function. */
export const poolStatus = z.object({
  runtime: z.enum(RUNTIMES),
  network: z.enum(NETWORKS),
  /** Of a prewarmed function. */
  functionName: z.string().optional(),
  floor: z.number(),
  ceiling: z.number(),
  target: z.number(),
  parked: z.number(),
  starting: z.number(),
  leased: z.number(),
  waiting: z.number(),
  /**
   * Since the start: parked ones taken away as too many, sandboxes of which something could not be removed, parked ones that
   * died, and sandboxes that could not be made.
   */
  retired: z.number(),
  leaked: z.number(),
  died: z.number(),
  failed: z.number(),
  /** The last ones, the newest last. */
  decisions: z.array(poolDecision),
});
export type PoolStatus = z.output<typeof poolStatus>;

export const workerStatus = z.object({
  instance: z.string(),
  pid: z.number().int(),
  /** When this was said; milliseconds of Unix time. */
  atMs: z.number(),
  sandboxes: z.array(sandboxStatus),
  pools: z.array(poolStatus),
  /** What all parked sandboxes together may take. */
  poolBudgetBytes: z.number(),
  /** Percent of the last ten seconds in which something waited for memory, or for a CPU. */
  pressure: z.object({ memory: z.number(), cpu: z.number() }),
});
export type WorkerStatus = z.output<typeof workerStatus>;

/** Of the data folder: only root may connect. */
export const STATUS_SOCKET = "run/worker.sock";
