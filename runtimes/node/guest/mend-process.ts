/**
 * What a forked Node.js still believes of its parent, put right. Runs once in each sandbox, before it is parked.
 * What C mends before: session, umask, descriptors, event loop (native/src/zygote.c). A function's environment,
 * arguments and folder are set when its event comes (serve-invocation.ts).
 */
import { readlinkSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { exitNow } from "../../../native/ts/zygote-library.ts";
import { installSyncStreams } from "./sync-stream.ts";

/** process.pid is a constant made at start. /proc/self is a link to the reader's own pid. */
function mendPid(): void {
  Object.defineProperty(process, "pid", {
    value: Number(readlinkSync("/proc/self")),
    configurable: true,
    enumerable: true,
  });
}

/**
 * V8 seeds Math.random when it is first used, from a generator that all children of a zygote share. The zygote
 * never uses it; from this seed on each child's numbers are its own. crypto needs nothing: OpenSSL sees the new
 * pid and reseeds, and the zygote leaves the caches of randomUUID and randomInt empty.
 */
function seedMathRandom(seed: number): void {
  setFlagsFromString(`--random-seed=${seed}`);
}

/** Clocks that count from the process's start count from this one's. */
function mendClocks(): void {
  const startMs = performance.now();
  const originalNow = performance.now.bind(performance);
  const timeOrigin = performance.timeOrigin + startMs;
  Object.defineProperty(performance, "timeOrigin", {
    value: timeOrigin,
    configurable: true,
    enumerable: true,
  });
  Object.defineProperty(performance, "now", {
    value: () => originalNow() - startMs,
    configurable: true,
    writable: true,
    enumerable: true,
  });
  process.uptime = () => performance.now() / 1000;
}

/**
 * Both ways of ending join threads that only the zygote had, and would hang: process.exit() through reallyExit,
 * and the natural end after the event "exit". Wrapping emit lets every listener of the tenant's run before.
 */
function mendExit(): void {
  (process as unknown as { reallyExit: (code: number) => void }).reallyExit = (code) => exitNow(code ?? 0);
  const emit = process.emit;
  process.emit = function (this: NodeJS.Process, event: string, ...args: unknown[]) {
    const result = Reflect.apply(emit, this, [event, ...args]);
    if (event === "exit") exitNow(Number(process.exitCode ?? args[0] ?? 0));
    return result;
  } as typeof process.emit;
}

/** `seed`: a random 31-bit number. */
export function mendProcess(seed: number): void {
  mendPid();
  seedMathRandom(seed);
  mendClocks();
  mendExit();
  installSyncStreams();
  process.execArgv = [];
}
