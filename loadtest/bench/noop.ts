/**
 * create → run → gone, of an executable that does nothing. Mayfly does what a `provided` runtime does: a cgroup with
 * limits, a namespace set with its PID 1, exec inside, the end, and the removal of all of it. The others do what their
 * `run` does by default. Every run must report the executable's exit code.
 */
import { HOST_IDS } from "../../contract/index.ts";
import { Cgroup } from "../../native/ts/cgroup.ts";
import { CgroupBase } from "../../native/ts/cgroup-base.ts";
import { closeFds, logPipe, socketpair } from "../../native/ts/descriptors.ts";
import { Spawner } from "../../native/ts/spawner.ts";
import { removeCgroup } from "../../pool/remove-cgroup.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { type Bench, sized } from "./context.ts";
import { openFloor } from "./floor.ts";
import { type Contender, interleave, PAUSE_MS } from "./interleave.ts";
import { OCI_TOOLS, openOci } from "./oci.ts";
import { NOOP_EXIT_CODE } from "./programs.ts";
import type { Comparison } from "./results.ts";
import type { Scope } from "./scope.ts";
import { timedCommand } from "./timed-command.ts";

const LIMITS = { cpu: 1, memoryBytes: 128 * 1024 * 1024, pids: 65 };

export function measureNoop(bench: Bench): Promise<Comparison> {
  const { rounds, ...within } = sized(bench, { rounds: 120 }, { rounds: 8, withinMs: 2500 });
  bench.say(`noop: ${rounds} rounds`);
  const { programs } = bench;
  const root = programs.noopRoot;
  const expected = { exitCode: NOOP_EXIT_CODE };
  const contenders: Contender[] = [
    { name: "mayfly", isOwn: true, open: (scope) => openMayfly(bench, scope) },
    {
      name: "bubblewrap",
      open: async (scope) => timedCommand(scope, programs, bubblewrap(root, ["/noop"]), expected),
    },
    ...OCI_TOOLS.map(
      (tool): Contender => ({
        name: tool,
        open: (scope) => openOci(bench, scope, "noop", tool, { root, args: ["/noop"], expected }),
      }),
    ),
    { name: "floor", isOwn: true, open: (scope) => openFloor(scope, programs) },
  ];
  return interleave(contenders, { rounds, warmUps: 2, pauseMs: PAUSE_MS, ...within }, bench.scope);
}

async function openMayfly(bench: Bench, scope: Scope): Promise<() => Promise<number>> {
  const cgroups = CgroupBase.open(`${bench.instance}-noop`);
  await scope.defer(() => cgroups.close());
  const command = ["/noop"];
  const spawner = await Spawner.start({
    runtime: "noop",
    rootfs: bench.programs.noopRoot,
    zygoteCommand: command,
    runnerCommand: command,
    onEnd: () => {},
  });
  await scope.defer(() => spawner.close());
  let count = 0;
  return async () => {
    const name = `noop-${++count}`;
    const startedAt = performance.now();
    const cgroup = Cgroup.create(cgroups, name);
    cgroup.limit(LIMITS);
    const [control, controlTheirs] = socketpair();
    const [logRead, logWrite] = logPipe();
    const set = await spawner.createSet(cgroup.fds, HOST_IDS.firstSandboxUid);
    await spawner.exec(set, { control: controlTheirs, log: logWrite, cgroup: cgroup.fds });
    closeFds(controlTheirs, logWrite);
    const end = await set.ended;
    set.release();
    await removeCgroup(cgroup);
    closeFds(control, logRead);
    const took = performance.now() - startedAt;
    if (end.exitCode !== NOOP_EXIT_CODE) throw new Error(`it ended with ${JSON.stringify(end)}`);
    return took;
  };
}
