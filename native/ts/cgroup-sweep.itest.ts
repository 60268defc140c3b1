import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { expect, test } from "vitest";
import { baseParents, CgroupBase } from "./cgroup-base.ts";
import { readCgroupLayout } from "./cgroup-layout.ts";
import { sweepCgroups } from "./cgroup-sweep.ts";

const DEAD = "test-sweep-dead";
const LIVING = "test-sweep-living";

const { own, shared } = baseParents(readCgroupLayout());
const foldersOf = (instance: string) => [...own, ...shared].map((parent) => `${parent}/mayfly-${instance}`);

/** A worker that has a sandbox with a process in it, and is killed. The process's pid. */
async function dieWithSandbox(): Promise<number> {
  const child = fork(new URL("cgroup-sweep.fixture.ts", import.meta.url), [DEAD]);
  const [pid] = (await once(child, "message")) as [number];
  child.kill("SIGKILL");
  await once(child, "exit");
  return pid;
}

test("what a dead worker left goes, with its processes; what lives and what is not ours stays", async () => {
  const living = CgroupBase.open(LIVING);
  const foreign = `${own[0]}/mayfly-test-foreign`;
  mkdirSync(foreign);
  try {
    const pid = await dieWithSandbox();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    for (const folder of foldersOf(DEAD)) expect(existsSync(folder), folder).toBe(true);

    expect(sweepCgroups({ dryRun: true }).removed).toEqual(expect.arrayContaining(foldersOf(DEAD)));
    expect(existsSync(`/proc/${pid}`)).toBe(true);

    const report = sweepCgroups();
    expect(report.removed).toEqual(expect.arrayContaining(foldersOf(DEAD)));
    expect(report.living).toEqual(expect.arrayContaining(foldersOf(LIVING)));
    for (const folder of foldersOf(DEAD)) expect(existsSync(folder), folder).toBe(false);
    for (const folder of foldersOf(LIVING)) expect(existsSync(folder), folder).toBe(true);
    expect(existsSync(foreign)).toBe(true);
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 5000 }).toBe(false);
  } finally {
    rmdirSync(foreign);
    living.close();
  }
  for (const folder of foldersOf(LIVING)) expect(existsSync(folder), folder).toBe(false);
});

test("a second worker of the same instance is refused, and the first goes on", () => {
  const first = CgroupBase.open(LIVING);
  try {
    expect(() => CgroupBase.open(LIVING)).toThrow(/a living worker has it/);
    for (const folder of foldersOf(LIVING)) expect(existsSync(folder), folder).toBe(true);
  } finally {
    first.close();
  }
});
