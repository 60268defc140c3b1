/** What a sandbox finds in its file system, looked at from inside and from outside. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type LeaseChanges, runCode, runnerFolder } from "./code-runner.fixture.ts";
import { bundleFolder, type Leftovers, leftovers, openPool, removeFolder } from "./linux-pool.fixture.ts";
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

/** A folder that this suite removes. */
function folderOf(files: Record<string, string>): string {
  const made = bundleFolder(files);
  folders.push(made);
  return made;
}

describe("layers", () => {
  const opt = (changes: LeaseChanges) =>
    run(
      `return Object.fromEntries(fs.readdirSync("/opt").map((name) => [name, fs.readFileSync("/opt/" + name, "utf8")]))`,
      changes,
    );

  it("/opt is empty and read-only without any", async () => {
    expect(await run(`return fs.readdirSync("/opt")`)).toEqual([]);
    await expect(run(`fs.writeFileSync("/opt/x", "")`)).rejects.toThrow("EROFS");
    expect((await mountsOf()).map(({ point }) => point)).not.toContain("/opt");
  });

  it("one is mounted as it is", async () => {
    const layerFolders = [folderOf({ only: "one" })];
    expect(await opt({ layerFolders })).toEqual({ only: "one" });
    const mount = (await mountsOf({ layerFolders })).find(({ point }) => point === "/opt");
    expect(mount).toMatchObject({ options: "ro,nosuid,nodev", shared: false });
    expect(mount?.type).not.toBe("overlay");
  });

  it("five are merged, and what a later one has lies above", async () => {
    const layerFolders = [1, 2, 3, 4, 5].map((n) =>
      folderOf({ [`own${n}`]: `${n}`, all: `${n}`, ...(n < 3 && { early: `${n}` }) }),
    );
    const own = { own1: "1", own2: "2", own3: "3", own4: "4", own5: "5" };
    expect(await opt({ layerFolders })).toEqual({ ...own, all: "5", early: "2" });
    const mount = (await mountsOf({ layerFolders })).find(({ point }) => point === "/opt");
    expect(mount).toMatchObject({
      type: "overlay",
      source: "layers",
      options: "ro,nosuid,nodev",
      shared: false,
    });
    // The host's folders are nobody's business inside.
    for (const folder of layerFolders) expect(mount?.raw).not.toContain(folder);
  });

  it("folders of the same name are merged, files of them too", async () => {
    const layerFolders = [folderOf({ "lib/a": "low", "lib/b": "low" }), folderOf({ "lib/b": "high" })];
    const code = `return ["a", "b"].map((name) => fs.readFileSync("/opt/lib/" + name, "utf8"))`;
    expect(await run(code, { layerFolders })).toEqual(["low", "high"]);
  });

  it("nothing in them can be written, made, removed or given other rights", async () => {
    const layers = [folderOf({ file: "1" }), folderOf({ other: "2" })];
    const attempts = `const refused = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
      return [() => fs.writeFileSync("/opt/file", "x"), () => fs.writeFileSync("/opt/new", "x"), () => fs.unlinkSync("/opt/file"),
        () => fs.chmodSync("/opt/file", 0o777), () => fs.mkdirSync("/opt/folder"), () => fs.renameSync("/opt/file", "/opt/x")].map(refused)`;
    for (const layerFolders of [layers, layers.slice(1).concat(layers[0] as string), layers.slice(0, 1)])
      expect(await run(attempts, { layerFolders })).toEqual(Array(6).fill("EROFS"));
    expect(readFileSync(join(layers[0] as string, "file"), "utf8")).toBe("1");
  });

  it("packages of theirs are found by require(), the bundle's own first, and programs by PATH", async () => {
    const layerFolders = [
      folderOf({
        "node_modules/plain/index.js": "module.exports = 'plain'",
        "bin/tool": "#!/bin/sh\necho tool",
      }),
      folderOf({ "nodejs/node_modules/dep/index.js": "module.exports = 'dep'" }),
    ];
    chmodSync(join(layerFolders[0] as string, "bin/tool"), 0o755);
    const code = `return [require("dep"), require("plain"), cp.execSync("tool").toString(), process.env.NODE_PATH, process.env.PATH]`;
    expect(await run(code, { layerFolders })).toEqual([
      "dep",
      "plain",
      "tool\n",
      "/opt/nodejs/node_modules:/opt/node_modules",
      "/usr/local/bin:/usr/bin:/bin:/opt/bin",
    ]);
    await expect(run(`return require("dep")`)).rejects.toThrow("Cannot find module 'dep'");
  });

  it("a folder that is not there is named as what could not be mounted, and nothing is left", async () => {
    const layerFolders = [folderOf({ a: "1" }), "/nowhere/layer"];
    await expect(run("", { layerFolders })).rejects.toMatchObject({
      code: "SANDBOX_MOUNT_FAILED",
      message: expect.stringContaining("Cannot prepare the mount of layers"),
    });
  });
});
