/** What each suite measures, in one line and for the document in a few. */
import type { SuiteName } from "./results.ts";

export const SUITE_TITLES: Record<SuiteName, string> = {
  noop: "create, run and remove, of an executable that does nothing",
  hello: "one event to a function in Node.js, nothing reused",
  http: "end to end over HTTP",
  sustained: "fresh sandboxes a second, on the whole machine",
  growth: "with many sandboxes parked and many functions deployed",
  burst: "100 requests at once, 16 sandboxes parked",
  soak: "many invocations, one pool",
};

/** What lies inside the measured time, and what does not. */
export const SUITE_NOTES: Record<SuiteName, string> = {
  noop: `From nothing until nothing is left. Mayfly: a cgroup with limits, a namespace set with its PID 1, user namespace, seccomp
and all, exec inside, the end, the removal of cgroup and set; asked by its TypeScript, so its messages between processes
are in it. The others: their \`run\` with their defaults, started by a small C program that adds nothing of its own. Each run
must report the executable's exit code. The floor is a C loop of clone3 with the same namespaces, exec and wait, without any
layer: no cgroup, no id map, no /proc, no seccomp, no PID 1.`,
  hello: `Until the answer is there; nobody's removal is in it. Mayfly: from asking the pool for a parked sandbox that nobody used
before, over its limits and mounts, to the answer. The others start the same Node.js with the same function and print its
answer. The floor is Mayfly without parking: a warm zygote's fork into a set that stands already, until it says that it is
ready. Parking is what gets below it. At half load events come at half the rate that the pool can serve at most.`,
  http: `One keep-alive connection each. echo is the same gateway, Redis and queue with a worker that sends the event back: all
but the sandbox. workerd runs the function in an isolate that it keeps and uses again.`,
  sustained: `\`mayfly start\` as anybody starts it, with 16 sandboxes parked, and a load generator in a process of its own. It takes part of
the machine, which is not taken off the rate; its CPU is not in the table. \`sandboxes\` is all that runs in their cgroups, their
making and their end included; \`kernelThreads\` is mostly the removal of namespaces; \`rest\` is whatever else the machine did. The
floor makes and kills processes in new namespaces, on two processes, without any layer.`,
  growth: `Lease to answer on a pool of its own for each size, there and back again. Functions are copies of one, asked evenly. Memory:
all processes of a parked sandbox, PID 1 included, from the kernel's smaps_rollup.`,
  burst: "Until each one's answer, from one moment on, over HTTP on connections that stand already.",
  soak: `Four in flight on a pool in one process. Leaked: what the pool could not remove, descriptors that stay open, and cgroups,
mounts and processes that are left when the pool is closed.`,
};
