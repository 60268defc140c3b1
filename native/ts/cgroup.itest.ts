import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blockDevicesOf } from "./block-devices.ts";
import { Cgroup } from "./cgroup.ts";
import { CgroupBase } from "./cgroup-base.ts";

const MIB = 1024 * 1024;
const INSTANCE = "test-cgroup";

describe("a cgroup's weight and io", () => {
  let folder: string;
  let base: CgroupBase;
  let cgroup: Cgroup;
  /** Its folders, in the order of its descriptors; on v2 one. */
  let folders: string[];

  beforeAll(() => {
    folder = mkdtempSync("/var/tmp/mayfly-cgroup-");
    base = CgroupBase.open(INSTANCE, [folder]);
    cgroup = Cgroup.create(base, "one");
    folders = cgroup.fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  });
  afterAll(() => {
    cgroup.remove();
    base.close();
    rmSync(folder, { recursive: true });
  });

  const limits = { cpu: 1, memoryBytes: 64 * MIB, pids: 16 };
  /** The first of the files that this machine has. */
  const read = (...names: string[]) => {
    const paths = folders.flatMap((one) => names.map((name) => join(one, name)));
    return readFileSync(paths.find(existsSync) ?? "none of them", "utf8").trim();
  };

  /** Runs a command inside; resolves to its exit code. */
  async function runInside(command: string): Promise<number> {
    const joining = folders.map((one) => {
      const file = existsSync(`${one}/tasks`) ? "tasks" : "cgroup.procs";
      return `echo $$ > ${one}/${file}`;
    });
    const child = spawn("sh", ["-c", [...joining, command].join(" && ")], { stdio: "ignore" });
    const [code] = await once(child, "exit");
    return code;
  }

  it("its weight follows its cores, and is the default for one", () => {
    cgroup.limit(limits);
    expect(["100", "1024"]).toContain(read("cpu.weight", "cpu.shares"));
    cgroup.limit({ ...limits, cpu: 0.25 });
    expect(["25", "256"]).toContain(read("cpu.weight", "cpu.shares"));
    cgroup.limit({ ...limits, cpu: 4 });
    expect(["400", "4096"]).toContain(read("cpu.weight", "cpu.shares"));
  });

  it("reads and writes of the disk are held back to the limit and counted, or it is said why not", async () => {
    cgroup.limit({ ...limits, ioBytes: 4 * MIB, ioOperations: 1000 });
    if (base.offers.ioFault !== undefined) {
      expect(base.offers.ioFault).toMatch(/controller|without a block device/);
      expect(cgroup.usage()).toMatchObject({ ioReadBytes: 0, ioWrittenBytes: 0 });
      return;
    }
    const [device] = base.offers.io.devices;
    expect(read("io.max", "blkio.throttle.read_bps_device")).toMatch(
      new RegExp(`^${device} (rbps=)?${4 * MIB}\\b`),
    );
    const startedAt = performance.now();
    expect(await runInside(`dd if=/dev/zero of=${folder}/file bs=1M count=6 oflag=direct`)).toBe(0);
    // A lower bound, which a busy machine cannot break: 6 MiB at 4 MiB a second.
    expect(performance.now() - startedAt).toBeGreaterThan(1000);
    expect(await runInside(`dd if=${folder}/file of=/dev/null bs=1M count=2 iflag=direct`)).toBe(0);
    const usage = cgroup.usage();
    expect(usage.ioWrittenBytes).toBeGreaterThanOrEqual(6 * MIB);
    expect(usage.ioReadBytes).toBeGreaterThanOrEqual(2 * MIB);
    expect(usage.ioReadBytes).toBeLessThan(6 * MIB);
    expect(usage.ioWrites).toBeGreaterThan(0);
    expect(usage.ioReads).toBeGreaterThan(0);
  });

  it("no sandbox gets a huge page or an RDMA object where the kernel has them and hands them down", () => {
    const above = join(folders[0] as string, "..");
    const files = readdirSync(above).filter((name) => /^hugetlb\..+\.max$|^rdma\.max$/.test(name));
    for (const file of files)
      expect(readFileSync(join(above, file), "utf8").trim()).toMatch(
        /^(0|(\S+ hca_handle=0 hca_object=0\n?)*)$/,
      );
    const expected = [...new Set(files.map((file) => file.split(".")[0]))];
    expect(base.offers.forbidden).toEqual(expect.arrayContaining(expected));
  });

  it("finds no device below tmpfs, and says so with the file system's name", () => {
    expect(blockDevicesOf(["/dev/shm/not/there"])).toEqual({
      devices: [],
      missing: ["/dev/shm/not/there is on a file system without a block device of its own (tmpfs)"],
    });
  });

  it("names a disk and not its partition", () => {
    const { stdout } = spawnSync("lsblk", ["-nro", "MAJ:MIN,TYPE"], { encoding: "utf8" });
    const partitions = stdout.split("\n").filter((line) => line.endsWith(" part"));
    const found = blockDevicesOf(["/", folder]).devices;
    for (const partition of partitions) expect(found).not.toContain(partition.split(" ")[0]);
  });
});
