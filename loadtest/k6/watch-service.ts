/** Reads the service's own metrics once a second while it is under load. main.ts starts it. */
import { setTimeout as pause } from "node:timers/promises";
import { parseExposition, type Sample, sumOf } from "./parse-exposition.ts";

/** What the service said of itself at one moment. Shares are 0 to 1; the counters count since the start of the watch. */
export interface ServiceState {
  atMs: number;
  parked: number;
  starting: number;
  leased: number;
  /** Leases without a sandbox. */
  waiting: number;
  coldStarts: number;
  running: number;
  concurrency: number;
  /** In the gateway, their turn to come. */
  queued: number;
  gatewayLoop: number;
  workerLoop: number;
  /** Share of the time since the reading before in which something waited for it. */
  cpuPressure: number;
  memoryPressure: number;
}

/** Of two readings only their difference says something. */
interface Pressed {
  cpu: number;
  memory: number;
}

export interface ServiceWatch {
  states: ServiceState[];
  /** Of the first reading: why there are none, if so. */
  fault: string | undefined;
  /** How much a counter of the worker grew between the first reading and the last; undefined when it has none of this name. */
  increaseOf(metric: string): number | undefined;
  stop(): void;
  /** Reads once more, when what was under way is over, and stops. */
  finish(): Promise<void>;
}

const EVERY_MS = 1000;

/** Resolves after the first reading. */
export async function watchService(urls: { gateway: string; worker: string }): Promise<ServiceWatch> {
  const watch: ServiceWatch = {
    states: [],
    fault: undefined,
    increaseOf: (metric) =>
      latest.some(({ name }) => name === metric)
        ? sumOf(latest, metric) - sumOf(first ?? [], metric)
        : undefined,
    stop: () => clearInterval(timer),
    async finish() {
      clearInterval(timer);
      if (watch.fault === undefined)
        await pause(EVERY_MS)
          .then(look)
          .catch(() => {});
    },
  };
  let first: Sample[] | undefined;
  let latest: Sample[] = [];
  let last: { atMs: number; pressed: Pressed } | undefined;
  const look = async () => {
    const [gateway, worker] = await Promise.all([read(urls.gateway), read(urls.worker)]);
    const state = stateOf(gateway, worker);
    const pressed = pressedOf(worker);
    const share = (read: (seconds: Pressed) => number) =>
      last === undefined
        ? 0
        : ((read(pressed) - read(last.pressed)) * 1000) / Math.max(1, state.atMs - last.atMs);
    const pressure = { cpuPressure: share(({ cpu }) => cpu), memoryPressure: share(({ memory }) => memory) };
    last = { atMs: state.atMs, pressed };
    first ??= worker;
    latest = worker;
    watch.states.push({ ...state, ...pressure, coldStarts: watch.increaseOf("faas_coldstarts_total") ?? 0 });
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    await look();
    /* A reading that is missed is a gap in a plot. */
    timer = setInterval(() => look().catch(() => {}), EVERY_MS);
  } catch (error) {
    watch.fault = `no metrics at ${urls.gateway} and ${urls.worker}: ${(error as Error).message}`;
  }
  return watch;
}

async function read(url: string): Promise<Sample[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5 * EVERY_MS) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return parseExposition(await response.text());
}

function pressedOf(worker: Sample[]): Pressed {
  const of = (resource: string) =>
    sumOf(worker, "mayfly_pressure_time_seconds_total", { mayfly_resource: resource });
  return { cpu: of("cpu"), memory: of("memory") };
}

function stateOf(
  gateway: Sample[],
  worker: Sample[],
): Omit<ServiceState, "cpuPressure" | "memoryPressure" | "coldStarts"> {
  const count = (state: string) => sumOf(worker, "mayfly_sandbox_count", { mayfly_state: state });
  return {
    atMs: Date.now(),
    parked: count("parked"),
    starting: count("starting"),
    leased: count("leased"),
    waiting: sumOf(worker, "mayfly_pool_waiting"),
    running: sumOf(worker, "mayfly_worker_running"),
    concurrency: sumOf(worker, "mayfly_worker_concurrency"),
    queued: sumOf(gateway, "mayfly_queue_waiting"),
    gatewayLoop: sumOf(gateway, "nodejs_eventloop_utilization_ratio"),
    workerLoop: sumOf(worker, "nodejs_eventloop_utilization_ratio"),
  };
}
