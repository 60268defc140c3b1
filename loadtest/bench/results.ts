/** What `--json` prints, and what tables.ts, plots.ts and the document are made of. */

/** In the order in which tables show them. */
export const CONTENDERS = [
  "mayfly",
  "bubblewrap",
  "crun",
  "runc",
  "runsc",
  "node",
  "echo",
  "workerd",
  "floor",
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export interface Timing {
  p50Ms: number;
  p99Ms: number;
  n: number;
}

/** This machine cannot run it, or it did not do what it was asked to. */
export interface Refusal {
  refused: string;
}

export type Comparison = Partial<Record<ContenderName, Timing | Refusal>>;

/** Of hello: Mayfly again, one event every so often as keeps the machine half busy. */
export interface HalfLoad extends Timing {
  perSecond: number;
}

export type HelloResult = Omit<Comparison, "mayfly"> & {
  mayfly?: (Timing & { halfLoad?: HalfLoad }) | Refusal;
};

export interface SustainedResult {
  /** The best of `byInFlight`. */
  perSecond: number;
  floorPerSecond: number;
  byInFlight: Record<string, number>;
  /** At the best: milliseconds of CPU for each invocation, by whose they are. */
  cpuMsPerInvocation: Record<string, number>;
}

export interface GrowthResult {
  p50MsByParked: Record<string, number>;
  p50MsByFunctions: Record<string, number>;
  privateBytesPerParked: number;
  pssBytesPerParked: number;
}

export interface BurstResult {
  n: number;
  errors: number;
  p99Ms: number;
}

export interface SoakResult {
  n: number;
  leaked: number;
  /** p50 of the last tenth by that of the first. */
  drift: number;
}

export interface Machine {
  processor: string;
  cores: number;
  memoryMb: number;
  kernel: string;
  distribution: string;
  cgroups: string;
  node: string;
  versions: Record<string, string>;
  /** Of the minute before the run: what else the machine was doing. */
  loadAverage: number;
  date: string;
  quick: boolean;
}

export interface Results {
  machine: Machine;
  noop?: Comparison;
  hello?: HelloResult;
  http?: Comparison;
  sustained?: SustainedResult;
  growth?: GrowthResult;
  burst?: BurstResult;
  soak?: SoakResult;
}

export const SUITES = ["noop", "hello", "http", "sustained", "growth", "burst", "soak"] as const;
export type SuiteName = (typeof SUITES)[number];
