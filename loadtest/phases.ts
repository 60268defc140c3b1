/**
 * Where the time of a sandbox goes: the phases of its life, one sandbox after the other with a pause between, as
 * root. `node loadtest/phases.ts [count]`, after `npm run setup`. Single times depend on the machine; what matters is
 * their share, and how it changes when the code does.
 */
import { setTimeout as pause } from "node:timers/promises";
import { HOST_IDS } from "../contract/index.ts";
import { Cgroup } from "../native/ts/cgroup.ts";
import { CgroupBase } from "../native/ts/cgroup-base.ts";
import { closeFds, logPipe, socketpair } from "../native/ts/descriptors.ts";
import { Spawner } from "../native/ts/spawner.ts";
import { GuestChannel } from "../pool/guest-channel.ts";
import { removeCgroup } from "../pool/remove-cgroup.ts";
import { RUNTIME_COMMANDS } from "../pool/runtime-commands.ts";
import { percentile } from "./percentile.ts";

/** Tight loops hide what the kernel does a grace period later. */
const PAUSE_MS = 30;

const count = Number(process.argv[2] ?? 50);
const phases = new Map<string, number[]>();

async function timed<T>(phase: string, work: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  note(phase, (performance.now() - startedAt) * 1000);
  return result;
}

function note(phase: string, microseconds: number): void {
  const times = phases.get(phase) ?? [];
  times.push(microseconds);
  phases.set(phase, times);
}

const cgroups = CgroupBase.open(`phases-${process.pid}`);
const commands = RUNTIME_COMMANDS.nodejs24;
const spawner = await Spawner.start({ runtime: "nodejs24", ...commands, onEnd: () => {} });
const zygote = await timed("zygote, warm", () => spawner.startZygote(() => {}));

for (let i = 0; i < count; i++) {
  const uidBase = HOST_IDS.firstSandboxUid + i * HOST_IDS.idsPerSandbox;
  const cgroup = await timed("cgroup made", () => Cgroup.create(cgroups, `sandbox-${i}`));
  const set = await timed("namespace set made", () => spawner.createSet(cgroup.fds, uidBase));
  const cpuBefore = cgroup.usage().cpuUs;
  const [control, controlTheirs] = socketpair();
  const [logRead, logWrite] = logPipe();
  const guest = new GuestChannel(control);
  const ready = guest.next();
  await timed("zygote forked", () =>
    zygote.fork(set, { control: controlTheirs, log: logWrite, cgroup: cgroup.fds }),
  );
  closeFds(controlTheirs, logRead, logWrite);
  await timed("forked process parked", () => ready);
  await pause(PAUSE_MS);
  note("its CPU time until parked", cgroup.usage().cpuUs - cpuBefore);
  await timed("killed and gone", async () => {
    cgroup.kill();
    await set.ended;
  });
  guest.close();
  set.release();
  await timed("cgroup removed", () => removeCgroup(cgroup));
  await pause(PAUSE_MS);
}
await spawner.close();
cgroups.close();

console.log(`${"phase".padEnd(28)} ${"p50 µs".padStart(9)} ${"p99 µs".padStart(9)}`);
for (const [phase, times] of phases) {
  times.sort((a, b) => a - b);
  const at = (share: number) => percentile(times, share).toFixed(0).padStart(9);
  console.log(`${phase.padEnd(28)} ${at(0.5)} ${at(0.99)}`);
}
