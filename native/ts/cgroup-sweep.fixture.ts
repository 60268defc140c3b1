/** A worker's cgroups with a process in one of them, until it is killed. Started by cgroup-sweep.itest.ts. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Cgroup } from "./cgroup.ts";
import { CgroupBase } from "./cgroup-base.ts";

const base = CgroupBase.open(process.argv[2] ?? "");
const cgroup = Cgroup.create(base, "sandbox");
const { pid = 0 } = spawn("/bin/sleep", ["600"], { stdio: "ignore", detached: true });
for (const fd of cgroup.fds) writeFileSync(`/proc/self/fd/${fd}/cgroup.procs`, `${pid}`);
process.send?.(pid);
setInterval(() => {}, 1000);
