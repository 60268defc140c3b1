/** What is only true on pure cgroup v2: real controllers in one tree, of which Mayfly's are a part. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionLimits } from "../../contract/index.ts";
import { Cgroup } from "../../native/ts/cgroup.ts";
import { CgroupBase } from "../../native/ts/cgroup-base.ts";
import { readCgroupLayout } from "../../native/ts/cgroup-layout.ts";
import { bundleFolder, openPool, removeFolder } from "../../pool/linux-pool.fixture.ts";
import type { SandboxPool } from "../../pool/sandbox.ts";
import { eventHeader, leaseOf } from "../../pool/sandbox-contract.ts";

const read = (path: string) => readFileSync(path, "utf8").trim();

describe("pure cgroup v2", () => {
  it("is what this machine has, and no v1 hierarchy", () => {
    expect(read("/proc/self/mountinfo")).not.toMatch(/ - cgroup /);
    expect(readCgroupLayout()).toMatchObject({ mode: "unified", v1: undefined });
    expect(read("/sys/fs/cgroup/cgroup.controllers").split(" ")).toEqual(
      expect.arrayContaining(["cpu", "io", "memory", "pids"]),
    );
  });

  describe("a cgroup of a sandbox", () => {
    let base: CgroupBase;
    let cgroup: Cgroup;
    const folder = () => `${(base as unknown as { layout: { unified: string } }).layout.unified}`;
    const find = (name: string) => {
      const all = readdirSync("/sys/fs/cgroup", { recursive: true, encoding: "utf8" });
      return `/sys/fs/cgroup/${all.find((path) => path.endsWith(name))}`;
    };
    beforeAll(() => {
      base = CgroupBase.open("vm-facts", ["/mayfly"]);
      cgroup = Cgroup.create(base, "one");
      cgroup.limit({ cpu: 0.5, memoryBytes: 64 << 20, pids: 16 });
    });
    afterAll(() => {
      cgroup.remove();
      base.close();
    });

    it("has its limits in the kernel's files", () => {
      const own = find("mayfly-vm-facts/one");
      expect(read(`${own}/cpu.max`)).toBe("50000 100000");
      expect(read(`${own}/memory.max`)).toBe(String(64 << 20));
      expect(read(`${own}/memory.swap.max`)).toBe("0");
      expect(read(`${own}/memory.oom.group`)).toBe("1");
      expect(read(`${own}/pids.max`)).toBe("16");
    });

    it("has the io controller, on the disk that the virtual machine has", () => {
      expect(base.offers.ioFault).toBeUndefined();
      expect(base.offers.io.devices.length).toBeGreaterThan(0);
      expect(read(`${find("mayfly-vm-facts/one")}/cgroup.controllers`).split(" ")).toContain("io");
    });

    it("leaves the service in a leaf beside the sandboxes", () => {
      expect(read("/proc/self/cgroup")).toMatch(/^0::.*\/mayfly-service$/);
      expect(existsSync(folder())).toBe(true);
    });
  });

  describe("a sandbox", () => {
    let pool: SandboxPool;
    let folder: string;
    beforeAll(async () => {
      folder = bundleFolder({
        "index.mjs": `export const handler = async (event) =>
          await new (async () => {}).constructor("process", event.code)(process);`,
      });
      pool = await openPool("vm-sandbox", 1);
    });
    afterAll(async () => {
      await pool.close();
      removeFolder(folder);
    });

    async function run(code: string, limits = {}) {
      const sandbox = await pool.acquire("nodejs24", 120_000);
      try {
        const all = functionLimits.parse(limits);
        await sandbox.prepare(leaseOf(folder, { limits: all }));
        const outcome = await sandbox.run(eventHeader(), Buffer.from(JSON.stringify({ code })), 120_000);
        return { outcome, usage: sandbox.usage() };
      } finally {
        await sandbox.destroy();
      }
    }

    it("sees its own cgroup as the root", async () => {
      const { outcome } = await run(
        `return process.getBuiltinModule("fs").readFileSync("/proc/self/cgroup", "utf8")`,
      );
      expect(outcome.kind === "answer" && JSON.parse(outcome.body.toString())).toBe("0::/\n");
    });

    it("ends as a whole when its memory is used up", async () => {
      const { outcome, usage } = await run(
        `process.getBuiltinModule("child_process").spawn("/bin/sh", ["-c", "tail /dev/zero"]); await new Promise(() => setInterval(() => {}, 1e6));`,
        { memoryMb: 64 },
      );
      // The child took the memory, and the main process ended with it: memory.oom.group.
      expect(outcome.kind).toBe("ended");
      expect(usage.oomKills).toBeGreaterThan(0);
    });

    it("is throttled by cpu.max, and the time is counted", async () => {
      const { usage } = await run("const end = Date.now() + 3000; while (Date.now() < end);", { cpu: 0.2 });
      expect(usage.throttledUs).toBeGreaterThan(500_000);
    });

    it("tells its highest use of memory where the kernel counts it (Linux 5.19)", async () => {
      const { usage } = await run("const kept = Buffer.alloc(20 << 20, 1); return kept.length");
      expect(usage.memoryPeakBytes).toBeGreaterThan(20 << 20);
    });
  });
});
