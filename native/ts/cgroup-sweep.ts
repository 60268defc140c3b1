/**
 * Finds and removes the cgroups of workers that were killed: below the cgroup in which this process is, folders that a
 * worker marked and whose lock nobody holds (cgroup-claim.ts). The kernel has ended their sandboxes with the worker, or
 * this does. Namespaces and mounts go with their processes.
 */
import { closeSync, existsSync, readdirSync } from "node:fs";
import { baseParents } from "./cgroup-base.ts";
import { claimFolder, isMarked } from "./cgroup-claim.ts";
import { readCgroupLayout } from "./cgroup-layout.ts";
import { killAndWait, removeTree } from "./cgroup-tree.ts";

export interface SweepReport {
  /** With `dryRun`: what would be. */
  removed: string[];
  /** Of living workers. */
  living: string[];
  failed: { folder: string; why: string }[];
}

/** Blocks while processes end. */
export function sweepCgroups({ dryRun = false } = {}): SweepReport {
  const { own, shared } = baseParents(readCgroupLayout());
  const report: SweepReport = { removed: [], living: [], failed: [] };
  for (const folder of [...own, ...shared].flatMap(marked)) {
    try {
      sweepFolder(folder, dryRun, report);
    } catch (error) {
      report.failed.push({ folder, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return report;
}

const marked = (parent: string) =>
  readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("mayfly-"))
    .map(({ name }) => `${parent}/${name}`)
    .filter(isMarked);

function sweepFolder(folder: string, dryRun: boolean, report: SweepReport): void {
  const lock = claimFolder(folder);
  if (lock === undefined) {
    report.living.push(folder);
    return;
  }
  try {
    /* Only the v2 folder can end processes; it comes first. */
    if (!dryRun && existsSync(`${folder}/cgroup.kill`)) killAndWait(folder);
    if (!dryRun) removeTree(folder);
    report.removed.push(folder);
  } finally {
    closeSync(lock);
  }
}
