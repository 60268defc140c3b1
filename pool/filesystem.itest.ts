/** What a sandbox finds in its file system, looked at from inside and from outside. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LeaseChanges, runCode, runnerFolder } from "./code-runner.fixture.ts";
import { type Leftovers, leftovers, openPool, removeFolder } from "./linux-pool.fixture.ts";
import type { SandboxPool } from "./sandbox.ts";

const INSTANCE = "test-filesystem";

let before: Leftovers;
let pool: SandboxPool;
let folder: string;
const folders: string[] = [];

beforeAll(async () => {
  folder = runnerFolder();
  folders.push(folder);
  before = leftovers(INSTANCE);
  pool = await openPool(INSTANCE);
});

afterAll(async () => {
  await pool.close();
  await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 });
  for (const one of folders) removeFolder(one);
});

const run = (code: string, changes: LeaseChanges = {}) => runCode(pool, folder, code, changes);

/** Every mount: where it is, its options without those of time, its file system and what of it is mounted. */
const MOUNTS = `return fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\\n").map((line) => {
  const [before, after] = line.split(" - ");
  const [, , , root, point, options] = before.split(" ");
  const [type, source] = after.split(" ");
  return { root, point, options: options.replace(",relatime", ""), type, source, shared: /shared:|master:/.test(before), raw: line };
})`;
interface Mount {
  root: string;
  point: string;
  options: string;
  type: string;
  source: string;
  shared: boolean;
  raw: string;
}
const mountsOf = async (changes: LeaseChanges = {}) => (await run(MOUNTS, changes)) as Mount[];

describe("a sandbox's tmpfs", () => {
  /** Writes 64 KiB blocks until it cannot: KiB written and why. */
  const fill = (
    file: string,
  ) => `const block = Buffer.alloc(65536, 1); const fd = fs.openSync("${file}", "w");
    let kib = 0; try { for (;;) kib += fs.writeSync(fd, block) / 1024; } catch (error) { return [kib, error.code]; }`;
  /** Makes empty files until it cannot: how many and why. */
  const multiply = (folder: string) => `let count = 0;
    try { for (;; count++) fs.writeFileSync("${folder}/" + count, ""); } catch (error) { return [count, error.code]; }`;

  it("/tmp has the bytes of tmpMb and not more", async () => {
    expect(await run(fill("/tmp/file"), { limits: { tmpMb: 8 } })).toEqual([8192, "ENOSPC"]);
  });

  it("/tmp has a file for every 4 KiB and not more; its root is one of them", async () => {
    expect(await run(multiply("/tmp"), { limits: { tmpMb: 2 } })).toEqual([511, "ENOSPC"]);
  });

  it("/dev/shm has 64 MiB and not more", async () => {
    expect(await run(fill("/dev/shm/file"), { limits: { memoryMb: 256 } })).toEqual([65536, "ENOSPC"]);
  });

  it("/dev/shm has 4,096 files and not more; its root is one of them", async () => {
    expect(await run(multiply("/dev/shm"))).toEqual([4095, "ENOSPC"]);
  });

  it("what is in them counts into memory", async () => {
    const changes = { limits: { memoryMb: 64, tmpMb: 256 } };
    await expect(run(fill("/tmp/file"), changes)).rejects.toThrow("SIGKILL");
  });

  it("no device works in them and no setuid bit, and neither outlives its sandbox", async () => {
    const mounts = await mountsOf();
    expect(mounts.find(({ point }) => point === "/tmp")?.options).toBe("rw,nosuid,nodev");
    expect(mounts.find(({ point }) => point === "/dev/shm")?.options).toBe("rw,nosuid,nodev,noexec");
    await run(`fs.writeFileSync("/tmp/left", ""); fs.writeFileSync("/dev/shm/left", "")`);
    expect(await run(`return [fs.readdirSync("/tmp"), fs.readdirSync("/dev/shm")]`)).toEqual([[], []]);
  });
});
