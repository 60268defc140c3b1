/**
 * What gave out first, from the service's own metrics: the resource that stood at its limit earliest. A single reading
 * says nothing (a second's hiccup, the collection of garbage), several in a row do. A resource that is short empties those
 * behind it (without CPU the pool is not refilled), so of two that begin within two seconds the one that stands first
 * here is named first.
 */
import type { ServiceState } from "./watch-service.ts";

interface Resource {
  name: string;
  /** 1 and more is the limit. */
  use: (state: ServiceState) => number;
  evidence: (state: ServiceState) => string;
}

/** Tasks wait for a CPU most of the time, for memory a tenth of it: pool/autosizer.ts counts these as pressure, too. */
const CPU_PRESSURE = 0.8;
const MEMORY_PRESSURE = 0.1;
/** An event loop that has no time left answers late from here on. */
const LOOP_BUSY = 0.9;
/** Readings, a second apart. */
const IN_A_ROW = 3;
const TOGETHER_MS = 2_000;

const percent = (share: number) => `${Math.round(share * 100)} %`;

const RESOURCES: Resource[] = [
  {
    name: "memory of the machine",
    use: ({ memoryPressure }) => memoryPressure / MEMORY_PRESSURE,
    evidence: ({ memoryPressure }) => `something waited for memory ${percent(memoryPressure)} of the time`,
  },
  {
    name: "CPU of the machine",
    use: ({ cpuPressure }) => cpuPressure / CPU_PRESSURE,
    evidence: ({ cpuPressure }) => `something waited for a CPU ${percent(cpuPressure)} of the time`,
  },
  {
    name: "event loop of the gateway",
    use: ({ gatewayLoop }) => gatewayLoop / LOOP_BUSY,
    evidence: ({ gatewayLoop }) => `busy ${percent(gatewayLoop)} of the time`,
  },
  {
    name: "event loop of the worker",
    use: ({ workerLoop }) => workerLoop / LOOP_BUSY,
    evidence: ({ workerLoop }) => `busy ${percent(workerLoop)} of the time`,
  },
  {
    name: "pool of parked sandboxes",
    use: ({ parked, waiting }) => (parked === 0 && waiting > 0 ? 1 : 0),
    evidence: ({ waiting }) => `none parked, ${waiting} leases waiting`,
  },
  {
    name: "concurrency of the worker",
    use: ({ running, concurrency }) => (concurrency === 0 ? 0 : running / concurrency),
    evidence: ({ running, concurrency, queued }) =>
      `${running} of ${concurrency} in hand, ${queued} waiting in the gateway`,
  },
];

export interface Saturated {
  resource: string;
  atMs: number;
  evidence: string;
}

/** In the order in which they came to their limits and stayed there. */
export function judgeSaturation(states: ServiceState[]): Saturated[] {
  return RESOURCES.flatMap(({ name, use, evidence }) => {
    const start = states.findIndex(
      (_, i) => i + IN_A_ROW <= states.length && states.slice(i, i + IN_A_ROW).every((one) => use(one) >= 1),
    );
    if (start < 0) return [];
    const [first, ...others] = states.slice(start, start + IN_A_ROW);
    if (first === undefined) return [];
    const worst = others.reduce((most, one) => (use(one) > use(most) ? one : most), first);
    return [{ resource: name, atMs: first.atMs, evidence: evidence(worst) }];
  }).sort((a, b) => Math.trunc((a.atMs - b.atMs) / TOGETHER_MS));
}
