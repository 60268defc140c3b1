/** The promise that everything else serves: no invocation gets anything that another one used. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SLOWNESS } from "../test/support/slowness.ts";
import {
  bundleFolder,
  type Leftovers,
  leftovers,
  openPool,
  removeFolder,
  sandboxCgroup,
} from "./linux-pool.fixture.ts";
import type { SandboxPool } from "./sandbox.ts";
import { eventHeader, leaseOf } from "./sandbox-contract.ts";

const INSTANCE = "test-fresh";
const INVOCATIONS = Math.ceil(200 / SLOWNESS);
const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/** Says what it finds, and then leaves residue wherever it can. */
const FUNCTION = `
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
export const handler = async ({ namespaces }) => {
  const found = {
    namespaces: namespaces.map((name) => readlinkSync("/proc/self/ns/" + name)),
    uidMap: readFileSync("/proc/self/uid_map", "utf8").trim().split(/\\s+/)[1],
    residue: [
      ...readdirSync("/tmp").map((name) => "/tmp/" + name),
      ...readdirSync("/dev/shm").map((name) => "/dev/shm/" + name),
      ...(globalThis.residue === undefined ? [] : ["a global"]),
      ...(process.env.RESIDUE === undefined ? [] : ["an environment variable"]),
      ...("residue" in Object.prototype ? ["a prototype"] : []),
      ...(process.listenerCount("SIGUSR2") > 0 ? ["a listener"] : []),
    ],
  };
  writeFileSync("/tmp/residue", "x");
  mkdirSync("/tmp/folder");
  writeFileSync("/dev/shm/residue", "x");
  globalThis.residue = true;
  process.env.RESIDUE = "x";
  Object.prototype.residue = true;
  process.on("SIGUSR2", () => {});
  return found;
};`;

/**
 * Keeps the sandbox's namespaces from being forgotten: the kernel gives the number of a dead namespace to the next
 * one, so that only among living ones a number stands for one namespace.
 */
function pinNamespaces(sandboxId: string): number[] {
  const cgroup = sandboxCgroup(INSTANCE, sandboxId);
  const [pid] = readFileSync(`${cgroup}/cgroup.procs`, "utf8").split("\n");
  return NAMESPACES.map((name) => openSync(`/proc/${pid}/ns/${name}`, "r"));
}

describe("every invocation gets a sandbox that nobody used before", () => {
  let before: Leftovers;
  let pool: SandboxPool;
  let folder: string;

  beforeAll(async () => {
    folder = bundleFolder({ "index.mjs": FUNCTION });
    before = leftovers(INSTANCE);
    pool = await openPool(INSTANCE, 4);
  });

  afterAll(async () => {
    await pool.close();
    await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 * SLOWNESS });
    removeFolder(folder);
  });

  it(
    `${INVOCATIONS} invocations meet no namespace twice, no residue, and none of the host's namespaces`,
    async () => {
      const event = Buffer.from(JSON.stringify({ namespaces: NAMESPACES }));
      const seen: string[][] = [];
      const pins: number[] = [];
      try {
        for (let i = 0; i < INVOCATIONS; i++) {
          const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
          pins.push(...pinNamespaces(sandbox.id));
          await sandbox.prepare(leaseOf(folder));
          const outcome = await sandbox.run(eventHeader(), event, 5000 * SLOWNESS);
          await sandbox.destroy();
          if (outcome.kind !== "answer") throw new Error(`no answer: ${JSON.stringify(outcome)}`);
          const { namespaces, residue } = JSON.parse(outcome.body.toString());
          expect(residue).toEqual([]);
          seen.push(namespaces);
        }
      } finally {
        for (const fd of pins) closeSync(fd);
      }
      for (const [index, name] of NAMESPACES.entries()) {
        const numbers = seen.map((namespaces) => namespaces[index]);
        expect(numbers, name).not.toContain(readlinkSync(`/proc/self/ns/${name}`));
        expect(new Set(numbers).size, name).toBe(INVOCATIONS);
      }
    },
    60_000 * SLOWNESS,
  );

  it("the time namespace, the only one that it does not have of its own, is the host's", async () => {
    /* /proc/self/ns lists what a kernel has; a namespace of a new kind should be thought about, not missed. */
    const kinds = readdirSync("/proc/self/ns").filter((name) => !name.endsWith("_for_children"));
    expect(kinds.filter((name) => !NAMESPACES.includes(name))).toEqual(["time"]);
  });
});
