/**
 * Whose a base folder is. A worker locks each of its folders (flock(2)) for as long as it lives, and marks it as
 * Mayfly's. The kernel drops the lock however the worker ends, so that no stale file can lie about it, and it is the
 * same one for everybody on the machine, whichever container or mount namespace they look from.
 */
import { closeSync, openSync } from "node:fs";
import { native } from "./library.ts";
import { check } from "./native-error.ts";

const EAGAIN = -11;

/** The descriptor that holds the lock, or undefined when a living process has it. Errors: CGROUP_FAILED. */
export function claimFolder(folder: string): number | undefined {
  const fd = openSync(folder, "r");
  const result = native.cgroupClaim(fd);
  if (result === 0) return fd;
  closeSync(fd);
  if (result === EAGAIN) return undefined;
  check("CGROUP_FAILED", `Cannot claim the cgroup ${folder}`, result);
  return undefined;
}

/** Whether a worker ever claimed it. */
export function isMarked(folder: string): boolean {
  const fd = openSync(folder, "r");
  try {
    return native.cgroupIsMarked(fd) === 1;
  } finally {
    closeSync(fd);
  }
}
