/**
 * What a forked Node.js still believes of its parent, put right. What C mends before: session, umask, descriptors,
 * event loop (native/src/zygote.c). A function's environment, arguments and folder are set when its event comes
 * (serve-invocation.ts).
 *
 * In two parts, because code that runs for the first time costs a fork a millisecond: prepareMends() puts everything
 * in place in the zygote, and mendProcess() only sets three numbers in each sandbox.
 */
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { setFlagsFromString } from "node:v8";
import { currentPid, exitNow, randomSeed } from "../../../native/ts/zygote-library.ts";
import { installSyncStreams } from "./sync-stream.ts";

let pid = process.pid;
/** When this process began, on the zygote's monotonic clock. */
let startMs = 0;

const originalNow = performance.now.bind(performance);
const originalOrigin = performance.timeOrigin;

/** process.pid is a constant made at start. */
function mendPid(): void {
  Object.defineProperty(process, "pid", { get: () => pid, configurable: true, enumerable: true });
}

/** Clocks that count from the process's start count from this one's. */
function mendClocks(): void {
  Object.defineProperty(performance, "timeOrigin", {
    get: () => originalOrigin + startMs,
    configurable: true,
    enumerable: true,
  });
  performance.now = () => originalNow() - startMs;
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

/** The kernel's answer would need a netlink socket, which the system call filter refuses (docs/seccomp.md). */
export function mendNetworkInterfaces(): void {
  const internal = { mac: "00:00:00:00:00:00", internal: true };
  os.networkInterfaces = () => ({
    lo: [
      { address: "127.0.0.1", netmask: "255.0.0.0", family: "IPv4", cidr: "127.0.0.1/8", ...internal },
      {
        address: "::1",
        netmask: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        family: "IPv6",
        cidr: "::1/128",
        scopeid: 0,
        ...internal,
      },
    ],
  });
  syncBuiltinESMExports();
}

/** In the zygote, once. */
export function prepareMends(): void {
  mendPid();
  mendClocks();
  mendExit();
  mendNetworkInterfaces();
  installSyncStreams();
  process.execArgv = [];
}

/**
 * In each forked process, once.
 *
 * V8 seeds Math.random when it is first used, from a generator that all children of a zygote share. The zygote
 * never uses it; from this seed on each child's numbers are its own. crypto needs nothing: OpenSSL sees the new
 * pid and reseeds, and the zygote leaves the caches of randomUUID and randomInt empty.
 */
export function mendProcess(): void {
  pid = currentPid();
  startMs = originalNow();
  setFlagsFromString(`--random-seed=${randomSeed()}`);
}
