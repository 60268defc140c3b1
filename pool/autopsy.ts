/**
 * What a function was doing when its time was up. linux-sandbox.ts calls it between the timeout and the kill.
 *
 * Look, freeze, look again: freezing holds the sandbox still, so that the list of processes is whole, but it also
 * takes each process out of what it waited for; its state and the place where it slept are only true before. Then
 * the main process is asked for its JavaScript stack, for which it must run on for a moment.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Autopsy } from "../contract/index.ts";
import type { Cgroup } from "../native/ts/cgroup.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { GuestMessage } from "./guest-channel.ts";
import { systemCallName } from "./system-call-name.ts";

/** As in native/src/set.h: our own PID 1 is no finding. */
const INIT_PID = 1;
const MAIN_PID = 3;
/** MF_STACK_SIGNAL of native/include/mayfly.h. */
const STACK_SIGNAL = 37;
/** Running JavaScript meets V8's next check within microseconds; native code may never. */
const STACK_WAIT_MS = 100;
/** A process inside the kernel stops when it comes out; one that waits for a disk may not for long. */
const FREEZE_WAIT_MS = 20;
/** A fork bomb's thousandth child says no more than its twentieth. */
const MAX_PROCESSES = 20;
/** clock_t of /proc/PID/stat: USER_HZ is 100 on every architecture that Mayfly runs on. */
const MS_PER_TICK = 10;

type ProcessFinding = Autopsy["processes"][number];

/** `answer`: the message for which run() still waits. Never rejects: without an autopsy the kill goes on. */
export async function performAutopsy(
  cgroup: Cgroup,
  answer: Promise<GuestMessage>,
  logger: Logger,
): Promise<Autopsy | undefined> {
  try {
    const before = new Map(cgroup.pids().map((pid) => [pid, waitingOf(pid)]));
    cgroup.freeze();
    await untilFrozen(cgroup);
    const found = findingsOf(cgroup, before);
    const main = found.find(({ finding }) => finding.pid === MAIN_PID);
    const stack = main?.finding.state === "R" ? await askForStack(main.hostPid, cgroup, answer) : undefined;
    const processes = found.slice(0, MAX_PROCESSES).map(({ finding }) => finding);
    const omitted = found.length - processes.length;
    return { processes, ...(omitted > 0 && { omitted }), ...(stack && { stack }) };
  } catch (error) {
    logger.warn({ err: error }, "the autopsy of a timeout failed");
    return undefined;
  }
}

/** Each process but PID 1, the main process first. */
function findingsOf(
  cgroup: Cgroup,
  before: Map<number, Waiting | undefined>,
): { hostPid: number; finding: ProcessFinding }[] {
  const found = [];
  for (const hostPid of cgroup.pids()) {
    const facts = factsOf(hostPid);
    if (facts === undefined || facts.pid === INIT_PID) continue;
    /* One that was forked meanwhile has only been seen frozen. */
    const waiting = before.get(hostPid) ?? waitingOf(hostPid) ?? { state: "?" };
    found.push({ hostPid, finding: { ...facts, ...waiting } });
  }
  return found.sort((one, other) => one.finding.pid - other.finding.pid);
}

async function untilFrozen(cgroup: Cgroup): Promise<void> {
  for (let waited = 0; waited < FREEZE_WAIT_MS && !cgroup.isFrozen(); waited++) await delay(1);
}

/** Frozen, the pid cannot have been given to another process; the signal waits there for the thaw. */
async function askForStack(
  hostPid: number,
  cgroup: Cgroup,
  answer: Promise<GuestMessage>,
): Promise<string[] | undefined> {
  process.kill(hostPid, STACK_SIGNAL);
  cgroup.thaw();
  const message = await Promise.race([answer, delay(STACK_WAIT_MS)]);
  return message?.kind === "frame" && message.header.type === "stack" ? message.header.stack : undefined;
}

type Waiting = Pick<ProcessFinding, "state" | "wchan" | "syscall">;

/** proc(5). Undefined when the process is gone. */
function waitingOf(pid: number): Waiting | undefined {
  try {
    const [state = "?"] = fieldsOfStat(pid);
    if (state === "R") return { state };
    const wchan = readFileSync(`/proc/${pid}/wchan`, "utf8");
    const call = readFileSync(`/proc/${pid}/syscall`, "utf8").split(" ")[0] ?? "";
    return {
      state,
      ...(wchan !== "" && wchan !== "0" && { wchan }),
      ...(/^\d+$/.test(call) && { syscall: systemCallName(Number(call)) }),
    };
  } catch {
    return undefined;
  }
}

/** What stays true while it is frozen. */
function factsOf(hostPid: number): Omit<ProcessFinding, keyof Waiting> | undefined {
  try {
    const status = readFileSync(`/proc/${hostPid}/status`, "utf8");
    const stat = fieldsOfStat(hostPid);
    return {
      pid: Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]),
      name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? "",
      threads: Number(/^Threads:\t(\d+)$/m.exec(status)?.[1]),
      cpuMs: (Number(stat[11]) + Number(stat[12])) * MS_PER_TICK,
    };
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat from the state on: a name may contain spaces and brackets. */
function fieldsOfStat(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
