/**
 * What a deployer may say about a function. The gateway validates it at PUT /v1/functions/{name}; the worker
 * trusts only what it validates again in the job (invocation-job.ts).
 */
import { z } from "zod";
import { egressPolicy, NETWORKS } from "./egress.ts";
import { LIMITS } from "./limits.ts";

/** Lowercase letters, digits, `-` and `_`, 1 to 64 characters, starting with a letter or digit. */
export const functionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "use 1 to 64 of a-z, 0-9, - and _, starting with a letter or a digit");

/** As functions are named. */
export const layerName = functionName;
export const volumeName = functionName;

/** What runs a bundle. Each name has a folder under runtimes/. */
export const RUNTIMES = ["nodejs24"] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** Variables that a runtime sets or that change how its process is loaded; a function may not. */
const RESERVED_VARIABLE = /^(MAYFLY_.*|AWS_LAMBDA_.*|LAMBDA_.*|_HANDLER|LD_.*|NODE_OPTIONS|NODE_CHANNEL_.*)$/;

const environment = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "use letters, digits and _, not starting with a digit")
      .refine((name) => !RESERVED_VARIABLE.test(name), "is reserved by the runtime"),
    z.string().refine((value) => !value.includes("\0"), "must not contain a NUL character"),
  )
  .refine(
    (vars) =>
      Object.entries(vars).reduce((sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v), 0) <=
      LIMITS.environmentBytes,
    `names and values together must not exceed ${LIMITS.environmentBytes} bytes`,
  );

const whole = (min: number, max: number) => z.number().int().min(min).max(max);

/**
 * The limits of one invocation.
 * - `cpu`: cores, a quota over periods of 100 ms. Default 1.
 * - `memoryMb`: MiB of the whole sandbox, /tmp included; no swap. Default 256.
 * - `pids`: processes and threads together. Default 64.
 * - `timeoutMs`: from the event's arrival in the sandbox to its answer, code loading included. Default 10,000.
 * - `tmpMb`: MiB of /tmp. Default 64.
 * - `ioMbps`, `iops`: MiB and operations a second of each disk, reading and writing each. Default: no limit. Without
 *   effect on a machine that cannot limit them (docs/guides/operating.md).
 */
export const functionLimits = z.strictObject({
  cpu: z.number().min(LIMITS.cpuMin).max(LIMITS.cpuMax).default(1),
  memoryMb: whole(LIMITS.memoryMbMin, LIMITS.memoryMbMax).default(256),
  pids: whole(LIMITS.pidsMin, LIMITS.pidsMax).default(64),
  timeoutMs: whole(LIMITS.timeoutMsMin, LIMITS.timeoutMsMax).default(10_000),
  tmpMb: whole(LIMITS.tmpMbMin, LIMITS.tmpMbMax).default(64),
  ioMbps: whole(LIMITS.ioMbpsMin, LIMITS.ioMbpsMax).optional(),
  iops: whole(LIMITS.iopsMin, LIMITS.iopsMax).optional(),
});
export type FunctionLimits = z.output<typeof functionLimits>;

/** As they are stored and travel: nothing is left to a default. */
export const completeLimits = functionLimits.required({
  cpu: true,
  memoryMb: true,
  pids: true,
  timeoutMs: true,
  tmpMb: true,
});

/** A folder of the operator's (the worker's MAYFLY_VOLUMES), by its name, and where the function finds it. */
const volumeMount = z.strictObject({
  name: volumeName,
  path: z.string().regex(/^\/mnt\/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must look like "/mnt/models"'),
});

const noneTwice = (values: string[]) => new Set(values).size === values.length;

const configuration = z.strictObject({
  runtime: z.enum(RUNTIMES).default("nodejs24"),
  /** `file.export`: the module's path in the bundle without its extension, and the name it exports. */
  handler: z
    .string()
    .max(256)
    .regex(/^(?!\/)(?!.*\.\.)[^\0]+\.[A-Za-z_$][\w$]*$/, 'must look like "index.handler"')
    .default("index.handler"),
  limits: functionLimits.prefault({}),
  environment: environment.default({}),
  /** Merged, read-only, at /opt: what a later one has lies above what earlier ones have. */
  layers: z.array(layerName).max(LIMITS.layers).refine(noneTwice, "must not name a layer twice").default([]),
  /** Whether the function may write everywhere; what it writes is gone after the invocation. */
  writableRoot: z.boolean().default(false),
  volumes: z
    .array(volumeMount)
    .max(LIMITS.volumes)
    .refine((volumes) => noneTwice(volumes.map(({ path }) => path)), "must not use a path twice")
    .default([]),
  /**
   * How many sandboxes each worker keeps with the function's code already loaded. Each is still used once; what loading
   * costs, and the memory that it takes, no invocation waits for.
   */
  prewarm: whole(0, LIMITS.prewarmMax).default(0),
  /** What the sandbox reaches: nothing but its own loopback, or the outside too (egress.ts). */
  network: z.enum(NETWORKS).default("none"),
  /** With network `egress` only. Absent: everything public. */
  egress: egressPolicy.optional(),
  /**
   * Most invocations under way at a time, queued or running; one more is refused at once. Absent: as many as the queue
   * takes. 0: none, which turns the function off.
   */
  maxConcurrency: whole(0, LIMITS.maxConcurrencyMax).optional(),
  /** The function's share of the workers while others wait too, against the weights of those. */
  weight: whole(LIMITS.weightMin, LIMITS.weightMax).default(1),
});

/** The `configuration` part of a deployment. Unknown keys are refused, so that a typo is not a silent default. */
export const functionConfig = configuration.refine(
  ({ network, egress }) => network === "egress" || egress === undefined,
  { path: ["egress"], message: 'needs "network": "egress"' },
);
export type FunctionConfig = z.output<typeof functionConfig>;

/** SHA-256 of a packed bundle (packed-bundle.ts), in lowercase hex. */
export const bundleDigest = z.string().regex(/^[0-9a-f]{64}$/);
