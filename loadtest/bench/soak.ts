/**
 * Many invocations, one pool: what is left behind, and whether it becomes slower. On a pool in this process, because
 * leaks are seen best from inside (descriptors, cgroups, the pool's own count) and a queue would only add its noise.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { SandboxPool } from "../../pool/sandbox.ts";
import { type Bench, sized } from "./context.ts";
import { leaseToAnswer } from "./lease-to-answer.ts";
import { openPool } from "./open-pool.ts";
import type { SoakResult } from "./results.ts";
import { Scope } from "./scope.ts";
import { rounded, timingOf } from "./timing.ts";

const PARKED = 8;
const IN_FLIGHT = 4;
const MAX_SANDBOXES = 32;
const SETTLE_TIMEOUT_MS = 10_000;
/** How often it says how far it is. */
const SAY_EVERY = 5000;

export async function measureSoak(bench: Bench): Promise<SoakResult> {
  const n = bench.soak ?? sized(bench, 50_000, 200);
  bench.say(`soak: ${n} invocations, ${IN_FLIGHT} in flight`);
  const instance = `${bench.instance}-soak`;
  const scope = new Scope();
  await bench.scope.defer(() => scope.close());
  const before = traces(instance);
  const pool = await openPool(scope, instance, PARKED, MAX_SANDBOXES);
  /* The first ones make what stays: pages, compiled code, descriptors of libraries. */
  await invoke(pool, Math.ceil(n / 20), () => {});
  await untilSettled(pool);
  const descriptors = openDescriptors();
  const times = await invoke(pool, n, (done) => {
    if (done % SAY_EVERY === 0) bench.say(`soak: ${done} of ${n}`);
  });
  await untilSettled(pool);
  const lost = await settledAt(() => openDescriptors() - descriptors);
  const leaked = pool.stats().reduce((sum, stats) => sum + stats.leaked, 0);
  await scope.close();
  const left = await settledAt(() => traces(instance) - before);
  if (lost > 0 || left > 0)
    bench.say(`soak: ${lost} descriptors, ${left} cgroups, mounts and processes are left`);
  return { n, leaked: leaked + lost + left, drift: rounded(driftOf(times)) };
}

/** Times in the order in which they began. */
async function invoke(pool: SandboxPool, n: number, onDone: (done: number) => void): Promise<number[]> {
  const times: number[] = new Array(n);
  let next = 0;
  let done = 0;
  const caller = async () => {
    while (next < n) {
      const index = next++;
      times[index] = await leaseToAnswer(pool);
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return times;
}

/** How many times longer the last tenth took than the first, by their medians. */
export function driftOf(times: number[]): number {
  const tenth = Math.max(1, Math.floor(times.length / 10));
  return timingOf(times.slice(-tenth)).p50Ms / timingOf(times.slice(0, tenth)).p50Ms;
}

async function untilSettled(pool: SandboxPool): Promise<void> {
  const isSettled = () =>
    pool.stats().every(({ parked, target, starting, leased }) => parked >= target && starting + leased === 0);
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  while (!isSettled() && performance.now() < deadline) await pause(10);
}

/** What is closed a turn later is no leak: waits until it is none, or for long enough. */
async function settledAt(count: () => number): Promise<number> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS / 5;
  while (count() > 0 && performance.now() < deadline) await pause(20);
  return Math.max(0, count());
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** Cgroups, mounts and processes that bear the instance's name. */
function traces(instance: string): number {
  const name = `mayfly-${instance}`;
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const processes = readdirSync("/proc").filter((pid) => Number.isInteger(Number(pid)));
  return (
    cgroupsNamed(name, "/sys/fs/cgroup") +
    mounts.filter((line) => line.includes(name)).length +
    processes.filter((pid) => cgroupOf(pid).includes(`/${name}`)).length
  );
}

function cgroupOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return ""; // gone meanwhile
  }
}

function cgroupsNamed(name: string, folder: string): number {
  if (!existsSync(folder)) return 0;
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.reduce(
    (sum, { name: child }) => sum + (child === name ? 1 : cgroupsNamed(name, `${folder}/${child}`)),
    0,
  );
}
