/** What the project promises of its speed, beside what a run measured. For tables.ts and document.ts. */
import type { Results } from "./results.ts";
import { medianOf, ratio } from "./timing.ts";

export interface Bar {
  promise: string;
  /** Undefined: this run, or this machine, did not measure it. */
  measured: number | undefined;
  /** How the measured number is to be read. */
  unit: string;
  isMet: boolean | undefined;
}

const MB = 1_000_000;

const atMost = (promise: string, measured: number | undefined, limit: number, unit: string): Bar => ({
  promise,
  measured,
  unit,
  isMet: measured === undefined ? undefined : measured <= limit,
});

const atLeast = (promise: string, measured: number | undefined, limit: number, unit: string): Bar => ({
  ...atMost(promise, measured, limit, unit),
  isMet: measured === undefined ? undefined : measured >= limit,
});

const quotient = (above: number | undefined, below: number | undefined) =>
  above === undefined || below === undefined ? undefined : above / below;

export function barsOf({ noop, hello, http, sustained, growth, burst, soak }: Results): Bar[] {
  const helloMayfly = hello?.mayfly;
  const halfLoad = helloMayfly !== undefined && "p50Ms" in helloMayfly ? helloMayfly.halfLoad : undefined;
  const slower = (name: "bubblewrap" | "runc" | "runsc") => ratio(hello?.[name], helloMayfly);
  const ofFloor = quotient(sustained?.perSecond, sustained?.floorPerSecond);
  const privateMb = quotient(growth?.privateBytesPerParked, MB);
  const parked = growth?.p50MsByParked;
  const thousand = parked?.["1000"] === undefined ? undefined : 1000;
  return [
    atMost("hello, lease to answer, p50 ≤ 1.2 ms at half load", halfLoad?.p50Ms, 1.2, "ms"),
    atMost("hello, lease to answer, p99 ≤ 5 ms at half load", halfLoad?.p99Ms, 5, "ms"),
    atLeast("hello ≥ 20× faster than Node.js in bubblewrap", slower("bubblewrap"), 20, "×"),
    atLeast("hello ≥ 30× faster than Node.js in runc", slower("runc"), 30, "×"),
    atLeast("hello ≥ 100× faster than Node.js in gVisor", slower("runsc"), 100, "×"),
    atLeast("no-op faster than bubblewrap", ratio(noop?.bubblewrap, noop?.mayfly), 1, "×"),
    atLeast("no-op faster than crun", ratio(noop?.crun, noop?.mayfly), 1, "×"),
    atMost("no-op within 2× of the C floor", ratio(noop?.mayfly, noop?.floor), 2, "×"),
    atMost("HTTP p50 ≤ 2× the echo worker's", quotient(medianOf(http?.mayfly), medianOf(http?.echo)), 2, "×"),
    atLeast("≥ 300 fresh sandboxes a second", sustained?.perSecond, 300, "/s"),
    atLeast("≥ 50 % of the floor's rate", ofFloor === undefined ? undefined : ofFloor * 100, 50, "%"),
    atMost("≤ 4 MB private memory of a parked sandbox", privateMb, 4, "MB"),
    atLeast("1,000 parked at once", thousand, 1000, ""),
    atMost("p50 with 1,000 parked ≤ 1.2× that with 10", quotient(parked?.["1000"], parked?.["10"]), 1.2, "×"),
    atMost("burst of 100: no error", burst?.errors, 0, "errors"),
    atMost("burst of 100: p99 ≤ 500 ms", burst?.p99Ms, 500, "ms"),
    atMost("soak: nothing leaked", soak?.leaked, 0, "leaked"),
    atMost("soak: p50 of the last tenth ≤ 1.1× the first's", soak?.drift, 1.1, "×"),
  ];
}

/** Of those that were measured. */
export function verdictOf({ isMet }: Bar): string {
  return isMet === undefined ? "not measured" : isMet ? "met" : "not met";
}
