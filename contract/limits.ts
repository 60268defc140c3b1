/**
 * Every limit that both sides of the queue must agree on. Bytes unless the name says otherwise.
 * The sizes follow AWS Lambda's quotas where it has one, so that bundles and callers fit both.
 */
const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  /** One event, and one answer: Lambda's synchronous payload quota. */
  eventBytes: 6 * MIB,
  responseBytes: 6 * MIB,

  /** What is kept of an invocation's stdout and stderr; the rest is counted and dropped. */
  logBytes: 256 * KIB,
  /** How much of the log's end travels back with the answer. */
  logTailBytes: 4 * KIB,

  /** An uploaded archive, and what it may unpack to: Lambda's zip quotas. */
  archiveBytes: 50 * MIB,
  unpackedBytes: 250 * MIB,
  /** Of one function. */
  layers: 5,
  volumes: 8,
  bundleEntries: 20_000,
  /** Unpacked size over packed size, of the whole archive, above `ratioFloorBytes`. */
  archiveRatio: 100,
  ratioFloorBytes: 10 * MIB,
  /** One path inside a bundle, in UTF-8 bytes, and one name in it (Linux's NAME_MAX). */
  pathBytes: 1024,
  pathNameBytes: 255,

  cpuMin: 0.05,
  cpuMax: 64,
  memoryMbMin: 32,
  memoryMbMax: 10_240,
  pidsMin: 8,
  pidsMax: 4096,
  timeoutMsMin: 50,
  timeoutMsMax: 900_000,
  tmpMbMin: 1,
  tmpMbMax: 10_240,
  ioMbpsMin: 1,
  ioMbpsMax: 100_000,
  iopsMin: 10,
  iopsMax: 1_000_000,
  /** All names and values of a function's environment together: Lambda's quota. */
  environmentBytes: 4 * KIB,

  /** Initialised sandboxes that one function may ask for, and how long its code may take to load. */
  prewarmMax: 100,
  initTimeoutMs: 10_000,

  /** How long an invocation may wait in the queue for a worker to start it. */
  queueTimeoutMs: 30_000,
  /**
   * How many invocations may wait in the gateway for their turn, and how many bytes their events may have together. One
   * function may have as much waiting as is free, so that another always gets in (gateway/queue/admission.ts).
   */
  queueLength: 10_000,
  queueBytes: 256 * MIB,
  /** Of one function. */
  maxConcurrencyMax: 10_000,
  weightMin: 1,
  weightMax: 100,
  /** How much longer than its deadline the gateway waits for a worker's reply before it calls it lost. */
  replyGraceMs: 5_000,
} as const;
