/** Ending and removing trees of cgroups. For cgroup-base.ts and cgroup-sweep.ts, when no invocation waits. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const KILL_WAIT_MS = 5_000;

/** Ends every process of a v2 folder. Blocks until they are gone, five seconds at most. */
export function killAndWait(folder: string): void {
  writeFileSync(`${folder}/cgroup.kill`, "1");
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const deadline = Date.now() + KILL_WAIT_MS;
  while (readFileSync(`${folder}/cgroup.events`, "utf8").includes("populated 1") && Date.now() < deadline) {
    Atomics.wait(clock, 0, 0, 5);
  }
}

/** Empty cgroups below the folder, deepest first. What is in use throws EBUSY and stays. */
export function removeChildren(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(`${folder}/${entry.name}`);
  }
}

export function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  removeChildren(folder);
  rmdirSync(folder);
}
