/** The floor of hello.ts: a warm zygote's fork into a set that stands ready, until the process says `ready`. */
import { HOST_IDS } from "../../contract/index.ts";
import { Cgroup } from "../../native/ts/cgroup.ts";
import { CgroupBase } from "../../native/ts/cgroup-base.ts";
import { closeFds, logPipe, socketpair } from "../../native/ts/descriptors.ts";
import { Spawner } from "../../native/ts/spawner.ts";
import { GuestChannel } from "../../pool/guest-channel.ts";
import { removeCgroup } from "../../pool/remove-cgroup.ts";
import { RUNTIME_COMMANDS } from "../../pool/runtime-commands.ts";
import type { Scope } from "./scope.ts";

/** A contender's open(). The set is made before the time begins and taken down after it has ended. */
export async function openZygoteFork(scope: Scope, instance: string): Promise<() => Promise<number>> {
  const cgroups = CgroupBase.open(instance);
  await scope.defer(() => cgroups.close());
  const spawner = await Spawner.start({
    runtime: "nodejs24",
    ...RUNTIME_COMMANDS.nodejs24,
    onEnd: () => {},
  });
  await scope.defer(() => spawner.close());
  const zygote = await spawner.startZygote(() => {});
  let count = 0;
  return async () => {
    const cgroup = Cgroup.create(cgroups, `fork-${++count}`);
    const set = await spawner.createSet(cgroup.fds, HOST_IDS.firstSandboxUid);
    const [control, controlTheirs] = socketpair();
    const [logRead, logWrite] = logPipe();
    const guest = new GuestChannel(control);
    const first = guest.next();
    const startedAt = performance.now();
    await zygote.fork(set, { control: controlTheirs, log: logWrite, cgroup: cgroup.fds });
    const message = await first;
    const took = performance.now() - startedAt;
    closeFds(controlTheirs, logRead, logWrite);
    cgroup.kill();
    await set.ended;
    guest.close();
    set.release();
    await removeCgroup(cgroup);
    if (message.kind !== "frame" || message.header.type !== "ready") throw new Error("it was not ready");
    return took;
  };
}
