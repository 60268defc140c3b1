/** A real pool for integration tests: a bundle folder made of text, and a look at what the machine holds of ours. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { createPool } from "./create-pool.ts";
import type { SandboxPool } from "./sandbox.ts";

export const openPool = (instance: string, target = 2, maxSandboxes = 32): Promise<SandboxPool> =>
  createPool({
    instance,
    targets: { nodejs24: target },
    maxSandboxes,
    logger: pino({ level: process.env.MAYFLY_LOG_LEVEL ?? "silent" }),
    onLost: (runtime) => {
      throw new Error(`the spawner of ${runtime} was lost`);
    },
  });

/** A folder with these files, readable by a sandbox. */
export function bundleFolder(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "mayfly-bundle-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  execFileSync("chmod", ["-R", "a+rX", folder]);
  return folder;
}

export const removeFolder = (folder: string) => rmSync(folder, { recursive: true, force: true });

/** Cgroups of the instance, in every hierarchy. */
function cgroupsOf(instance: string): string[] {
  const found = execFileSync("find", [
    "/sys/fs/cgroup",
    "-type",
    "d",
    "-name",
    `mayfly-${instance}`,
  ]).toString();
  return found.split("\n").filter((line) => line !== "");
}

/** A sandbox's folder in the v2 tree, wherever the service's own is: it may have moved into a leaf beside them. */
export function sandboxCgroup(instance: string, sandboxId: string): string {
  const folder = cgroupsOf(instance).find((base) => existsSync(join(base, sandboxId, "cgroup.kill")));
  if (folder === undefined) throw new Error(`there is no cgroup of ${sandboxId}`);
  return join(folder, sandboxId);
}

/** Pids on the host of what is in a sandbox. */
export const pidsOf = (instance: string, sandboxId: string): number[] =>
  readFileSync(`${sandboxCgroup(instance, sandboxId)}/cgroup.procs`, "utf8")
    .trim()
    .split("\n")
    .map(Number);

/** The pid that a process has inside its sandbox. */
export const insidePid = (pid: number): number =>
  Number(/^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Processes whose command line or name is one of ours and whose parent chain ends in this process. */
function ourProcesses(): string[] {
  const parents = new Map<number, { ppid: number; name: string }>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      parents.set(Number(entry), { ppid, name });
    } catch {
      /* ended meanwhile */
    }
  }
  const descends = (pid: number): boolean => {
    const ppid = parents.get(pid)?.ppid ?? 0;
    return ppid === process.pid || (ppid > 1 && descends(ppid));
  };
  return [...parents].filter(([pid]) => descends(pid)).map(([pid, { name }]) => `${name} (${pid})`);
}

/** Mounts of this process's mount namespace that sandboxes could leave. */
const mountsOfOurs = () =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes("mayfly") || line.includes("/rootfs"));

const openDescriptors = () => readdirSync("/proc/self/fd").length;

export interface Leftovers {
  cgroups: string[];
  processes: string[];
  mounts: string[];
  descriptors: number;
}

/** What exists now; compare with what existed before. */
export const leftovers = (instance: string): Leftovers => ({
  cgroups: cgroupsOf(instance),
  processes: ourProcesses(),
  mounts: mountsOfOurs(),
  descriptors: openDescriptors(),
});
