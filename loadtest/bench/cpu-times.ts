/**
 * Whose CPU time: of the service's processes, of all sandboxes together by their cgroup, of the kernel's threads, and of
 * the whole machine. Called by sustained.ts before and after.
 */
import { readdirSync, readFileSync } from "node:fs";
import { baseParents } from "../../native/ts/cgroup-base.ts";
import { readCgroupLayout } from "../../native/ts/cgroup-layout.ts";

/** Milliseconds since boot, or since the process began. */
export interface CpuTimes {
  /** By name; processes that bear the same are together. */
  processes: Record<string, number>;
  sandboxes: number;
  kernelThreads: number;
  machine: number;
}

/** sysconf(_SC_CLK_TCK) is 100 on every Linux that Mayfly runs on (time(7), "the software clock"). */
const MS_PER_TICK = 10;
/** The parent of all of the kernel's threads. */
const KTHREADD = 2;

interface SeenProcess {
  parent: number;
  cpuMs: number;
  name: string;
  cgroup: string;
}

/** `launcher`: pid of `mayfly start`. */
export function readCpuTimes(launcher: number, instance: string): CpuTimes {
  const seen = new Map<number, SeenProcess>();
  for (const name of readdirSync("/proc")) {
    const process = Number.isInteger(Number(name)) ? readProcess(Number(name)) : undefined;
    if (process !== undefined) seen.set(Number(name), process);
  }
  const isBelow = (pid: number): boolean =>
    pid === launcher || (pid > 1 && isBelow(seen.get(pid)?.parent ?? 0));
  const processes: Record<string, number> = {};
  let kernelThreads = 0;
  for (const [pid, { parent, cpuMs, name, cgroup }] of seen) {
    if (parent === KTHREADD) kernelThreads += cpuMs;
    if (isBelow(pid) && !cgroup.includes(`/mayfly-${instance}/`))
      processes[name] = (processes[name] ?? 0) + cpuMs;
  }
  return { processes, sandboxes: sandboxesMs(instance), kernelThreads, machine: machineMs() };
}

/** proc(5), /proc/pid/stat: the second field is a name in parentheses and may hold anything. */
function readProcess(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const comm = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return {
      parent: Number(fields[1]),
      cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
      name: nameOf(command, comm),
      cgroup: readFileSync(`/proc/${pid}/cgroup`, "utf8"),
    };
  } catch {
    return undefined; // gone meanwhile
  }
}

const SCRIPTS: [part: string, name: string][] = [
  ["gateway/main.ts", "gateway"],
  ["worker/main.ts", "worker"],
  ["cli/main.ts", "launcher"],
  ["guest/zygote.js", "zygote"],
];

/** Before `mayfly-spawner`: that one's command line has the zygote's in it. */
export function nameOf(command: string, comm: string): string {
  if (comm.startsWith("mayfly-")) return comm.slice("mayfly-".length);
  if (comm.startsWith("redis")) return "redis";
  return SCRIPTS.find(([part]) => command.includes(part))?.[1] ?? comm;
}

/** cgroup-v2.rst, cpu.stat: with what was in folders that are removed, and without the controller too. */
function sandboxesMs(instance: string): number {
  const [unified = ""] = baseParents(readCgroupLayout()).own;
  const stat = readFileSync(`${unified}/mayfly-${instance}/cpu.stat`, "utf8");
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1000;
}

/** proc(5), /proc/stat: all but idle, waiting for disks, and time stolen by the hypervisor. */
function machineMs(): number {
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8")
    .split(/\s+/, 8)
    .map(Number);
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0)) * MS_PER_TICK;
}

/** For each of `count` invocations; `generatorMs` is left out. Others of the machine are in `rest`. */
export function cpuPerInvocation(
  before: CpuTimes,
  after: CpuTimes,
  generatorMs: number,
  count: number,
): Record<string, number> {
  const spent: Record<string, number> = {};
  for (const [name, ms] of Object.entries(after.processes)) {
    const used = ms - (before.processes[name] ?? 0);
    if (used > 0) spent[name] = used;
  }
  spent.sandboxes = after.sandboxes - before.sandboxes;
  spent.kernelThreads = after.kernelThreads - before.kernelThreads;
  const known = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  spent.rest = Math.max(0, after.machine - before.machine - generatorMs - known);
  return Object.fromEntries(
    Object.entries(spent).map(([name, ms]) => [name, Math.round((ms / count) * 1000) / 1000]),
  );
}
