/**
 * libmayfly inside a zygote and the processes forked from it: the other koffi import. Runs in the sandbox's root
 * filesystem, so it imports nothing else of ours.
 */
import { fileURLToPath } from "node:url";
import koffi from "koffi";

const library = koffi.load(fileURLToPath(new URL("../build/libmayfly.so", import.meta.url)));

/** As in native/include/mayfly.h, in every process of a runtime. */
export const CONTROL_FD = 3;
export const GATE_FD = 4;

/** Blocks, and returns 0 in each forked process, which then has both descriptors. In the zygote only -errno. */
export const zygoteServe = library.func("int mf_zygote_serve(int)") as (socket: number) => number;

/** _exit(2). */
export const exitNow = library.func("void mf_exit(int)") as (code: number) => void;

/** Fits V8's old generation to this many bytes. 0 or -errno. */
export const limitHeap = library.func("int mf_heap_limit(uint64_t)") as (bytes: number) => number;

const reportFunction = koffi.proto("void mf_report()");
const registerReporter = library.func("int mf_stack_reporter(mf_report *)") as (report: bigint) => number;

/** Calls `report` in the middle of whatever JavaScript runs when the worker asks for its stack. 0 or -errno. */
export const onStackRequest = (report: () => void): number =>
  registerReporter(koffi.register(report, koffi.pointer(reportFunction)));

/** getpid(2). */
export const currentPid = library.func("int mf_pid()") as () => number;

/** A random number of 31 bits, from the kernel. */
export const randomSeed = library.func("int mf_random()") as () => number;
