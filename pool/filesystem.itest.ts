/** What a sandbox finds in its file system, looked at from inside and from outside. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SLOWNESS } from "../test/support/slowness.ts";
import { type LeaseChanges, runCode, runnerFolder } from "./code-runner.fixture.ts";
import {
  bundleFolder,
  type Leftovers,
  leftovers,
  openPool,
  removeFolder,
  sandboxCgroup,
} from "./linux-pool.fixture.ts";
import { RUNTIME_COMMANDS } from "./runtime-commands.ts";
import type { SandboxPool } from "./sandbox.ts";
import { leaseOf } from "./sandbox-contract.ts";

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
  await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 * SLOWNESS });
  for (const one of folders) removeFolder(one);
});

/** The group of a sandbox is killed as a whole on cgroup v2, PID 1 too, which could have told the signal. */
const OUT_OF_MEMORY = /"kind":"ended".*"oomKills":[1-9]/;

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
/** By place: kernels list them in different orders. */
const mountsOf = async (changes: LeaseChanges = {}) =>
  ((await run(MOUNTS, changes)) as Mount[]).sort((a, b) => (a.point < b.point ? -1 : 1));

/** statfs(2). */
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;

/** Pids on the host. */
const cgroupProcesses = (sandboxId: string) =>
  readFileSync(`${sandboxCgroup(INSTANCE, sandboxId)}/cgroup.procs`, "utf8")
    .trim()
    .split("\n");

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
    await expect(run(fill("/tmp/file"), changes)).rejects.toThrow(OUT_OF_MEMORY);
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

describe("volumes", () => {
  const STAT = `const stat = (path) => { const { uid, gid, mode } = fs.statSync(path); return [uid, gid, (mode & 0o7777).toString(8)]; };`;

  /** On a disk's file system: /tmp may be a tmpfs, which not every kernel can map ids on. */
  function volumeOf(files: Record<string, string>): string {
    const made = mkdtempSync("/var/tmp/mayfly-volume-");
    folders.push(made);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
    chmodSync(made, 0o755);
    return made;
  }

  it("/mnt is empty and read-only without any", async () => {
    expect(await run(`return fs.readdirSync("/mnt")`)).toEqual([]);
    await expect(run(`fs.writeFileSync("/mnt/x", "")`)).rejects.toThrow("EROFS");
  });

  it("each is mounted at its name, and nothing else is there or can be made there", async () => {
    const volumes = [
      { name: "b", folder: volumeOf({ file: "in b" }), readOnly: true },
      { name: "a.1", folder: volumeOf({ file: "in a" }), readOnly: false },
    ];
    const code = `const made = (() => { try { fs.mkdirSync("/mnt/c"); return "made"; } catch (error) { return error.code; } })();
      return [fs.readdirSync("/mnt"), fs.readFileSync("/mnt/b/file", "utf8"), fs.readFileSync("/mnt/a.1/file", "utf8"), made]`;
    expect(await run(code, { volumes })).toEqual([["a.1", "b"], "in b", "in a", "EROFS"]);
    const mounts = (await mountsOf({ volumes })).filter(({ point }) => point.startsWith("/mnt"));
    expect(
      mounts.map(({ point, options, shared }) => [point, options.replace(",idmapped", ""), shared]),
    ).toEqual([
      ["/mnt", "ro,nosuid,nodev,noexec", false],
      ["/mnt/a.1", "rw,nosuid,nodev", false],
      ["/mnt/b", "ro,nosuid,nodev", false],
    ]);
  });

  it("a read-only one cannot be written, whoever owns what is in it", async () => {
    const folder = volumeOf({ file: "kept" });
    execFileSync("chown", ["-R", "1000:1000", folder]);
    const volumes = [{ name: "ro", folder, readOnly: true }];
    const attempts = `return [() => fs.writeFileSync("/mnt/ro/file", "x"), () => fs.writeFileSync("/mnt/ro/new", "x"),
      () => fs.unlinkSync("/mnt/ro/file"), () => fs.chmodSync("/mnt/ro/file", 0o777)].map((act) => { try { act(); return "done"; } catch (error) { return error.code; } })`;
    expect(await run(attempts, { volumes })).toEqual(Array(4).fill("EROFS"));
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("kept");
  });

  it("what one sandbox writes belongs to id 1000 on disk and to the next sandbox", async () => {
    const folder = volumeOf({});
    chownSync(folder, 1000, 1000);
    const volumes = [{ name: "rw", folder, readOnly: false }];
    expect(
      await run(`${STAT} fs.writeFileSync("/mnt/rw/new", "one"); return stat("/mnt/rw/new")`, { volumes }),
    ).toEqual([1000, 1000, "644"]);
    const { uid, gid } = statSync(join(folder, "new"));
    expect([uid, gid]).toEqual([1000, 1000]);
    expect(
      await run(`fs.appendFileSync("/mnt/rw/new", " two"); return fs.readFileSync("/mnt/rw/new", "utf8")`, {
        volumes,
      }),
    ).toBe("one two");
    expect(readFileSync(join(folder, "new"), "utf8")).toBe("one two");
  });

  it("what belongs to root on disk stays root's, and what belongs to an id outside the range nobody's", async () => {
    const folder = volumeOf({ root: "r", far: "f" });
    chownSync(join(folder, "far"), 1_000_000, 1_000_000);
    const volumes = [{ name: "rw", folder, readOnly: false }];
    const code = `${STAT} const refused = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
      return [stat("/mnt/rw/root"), stat("/mnt/rw/far"), refused(() => fs.appendFileSync("/mnt/rw/root", "x")), refused(() => fs.writeFileSync("/mnt/rw/new", "x"))]`;
    expect(await run(code, { volumes })).toEqual([[0, 0, "644"], [65534, 65534, "644"], "EACCES", "EACCES"]);
  });

  it("where ids cannot be mapped, all files are nobody's and what others may is what the function may", async () => {
    // sysfs has no idmapped mounts.
    const volumes = [{ name: "sys", folder: "/sys/kernel", readOnly: true }];
    expect(await run(`${STAT} return stat("/mnt/sys/mm").slice(0, 2)`, { volumes })).toEqual([65534, 65534]);
  });

  it("a setuid program gives nothing, a device does not open, and a link does not lead out", async () => {
    const folder = volumeOf({ secret: "of the host" });
    execFileSync("cp", ["/bin/busybox", join(folder, "id")]);
    chmodSync(join(folder, "id"), 0o4755);
    execFileSync("mknod", ["-m", "666", join(folder, "null"), "c", "1", "3"]);
    symlinkSync("/etc/os-release", join(folder, "link"));
    symlinkSync("../../../../../../etc/shadow", join(folder, "up"));
    const volumes = [{ name: "v", folder, readOnly: true }];
    const code = `const refused = (act) => { try { return act(); } catch (error) { return error.code; } };
      return [cp.execFileSync("/mnt/v/id", ["-u"]).toString(), refused(() => fs.readFileSync("/mnt/v/null", "utf8")),
        fs.readFileSync("/mnt/v/link", "utf8").includes("Mayfly sandbox"), refused(() => fs.readFileSync("/mnt/v/up", "utf8"))]`;
    expect(await run(code, { volumes })).toEqual(["1000\n", "EACCES", true, "ENOENT"]);
  });

  it("one whose folder is gone is named, and nothing is left", async () => {
    const volumes = [
      { name: "there", folder: volumeOf({}), readOnly: true },
      { name: "gone", folder: "/var/tmp/mayfly-not-there", readOnly: true },
    ];
    await expect(run("", { volumes })).rejects.toMatchObject({
      code: "SANDBOX_MOUNT_FAILED",
      message: expect.stringContaining("Cannot prepare the mount of volume gone"),
    });
  });

  it("eight of them, five layers and all the rest go in one request", async () => {
    const volumes = Array.from({ length: 8 }, (_, n) => ({
      name: `v${n}`,
      folder: volumeOf({ n: `${n}` }),
      readOnly: true,
    }));
    const layerFolders = [1, 2, 3, 4, 5].map((n) => folderOf({ [`l${n}`]: "" }));
    const code = `return [fs.readdirSync("/opt").length, fs.readdirSync("/mnt").map((name) => fs.readFileSync("/mnt/" + name + "/n", "utf8")).join("")]`;
    expect(await run(code, { volumes, layerFolders })).toEqual([5, "01234567"]);
  });
});

describe("a writable root", () => {
  const writable = { writableRoot: true };
  const ROOTFS = RUNTIME_COMMANDS.nodejs24.rootfs;
  /** Every file with its mode, owner, size and both times. */
  const listRoot = () =>
    execFileSync("find", [ROOTFS, "-printf", "%P %m %U %G %s %T@ %C@ %l\\n"], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });

  it("belongs to the function: it makes, changes, renames and removes files everywhere", async () => {
    const code = `
      for (const folder of ["/", "/opt", "/var", "/usr", "/usr/local/lib", "/home/me/deep", "/etc/app"]) {
        fs.mkdirSync(folder, { recursive: true });
        fs.writeFileSync(folder + "/new", "new");
      }
      fs.appendFileSync("/etc/hosts", "127.0.0.1 mine\\n");
      fs.rmSync("/etc/os-release");
      fs.renameSync("/etc/nsswitch.conf", "/etc/nsswitch.old");
      fs.chmodSync("/bin/busybox", 0o700);
      fs.rmSync("/etc/ssl", { recursive: true });
      const { uid, gid } = fs.statSync("/etc/passwd");
      return [fs.readFileSync("/usr/local/lib/new", "utf8"), fs.readFileSync("/etc/hosts", "utf8").split("\\n").at(-2), fs.existsSync("/etc/os-release"),
        fs.existsSync("/etc/nsswitch.old"), cp.execSync("cat /home/me/deep/new").toString(), fs.existsSync("/etc/ssl"), uid, gid]`;
    expect(await run(code, writable)).toEqual([
      "new",
      "127.0.0.1 mine",
      false,
      true,
      "new",
      false,
      1000,
      1000,
    ]);
  });

  it("nothing of it is there for the next, and the runtime's files are untouched", async () => {
    const untouched = listRoot();
    expect(untouched.split("\n").length).toBeGreaterThan(100);
    await run(
      `fs.writeFileSync("/left", ""); fs.writeFileSync("/etc/passwd", ""); fs.rmSync("/bin", { recursive: true })`,
      writable,
    );
    const look = `return [fs.existsSync("/left"), fs.readFileSync("/etc/passwd", "utf8").length > 0, fs.existsSync("/bin/sh")]`;
    expect(await run(look, writable)).toEqual([false, true, true]);
    expect(await run(look)).toEqual([false, true, true]);
    expect(listRoot()).toBe(untouched);
  });

  it("the other mounts are as without it, and nothing else is mounted", async () => {
    const others = (mounts: Mount[]) =>
      mounts.filter(({ point }) => point !== "/").map(({ point, type, options }) => [point, type, options]);
    const mounts = await mountsOf(writable);
    expect(mounts.filter(({ point }) => point === "/")).toEqual([
      expect.objectContaining({ type: "overlay", options: "rw,nosuid,nodev", root: "/", shared: false }),
    ]);
    expect(others(mounts)).toEqual(others(await mountsOf()));
    for (const { raw } of mounts.filter(({ point }) => point === "/")) expect(raw).not.toContain(ROOTFS);
    const code = `const refused = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
      return ["/var/task/x", "/dev/x", "/proc/sys/kernel/hostname", "/tmp/x", "/dev/shm/x"].map((file) => refused(() => fs.writeFileSync(file, "")))`;
    expect(await run(code, writable)).toEqual(["EROFS", "EROFS", "EROFS", "done", "done"]);
  });

  it("the old root is nowhere: not above, not in /tmp, not through any process, seen from outside too", async () => {
    const code = `return { above: fs.readdirSync("/..").sort().join() === fs.readdirSync("/").sort().join(), tmp: fs.readdirSync("/tmp"), cwd: process.cwd(),
      roots: fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map((pid) => { try { return fs.statSync("/proc/" + pid + "/root/").dev === fs.statSync("/").dev; } catch (error) { return error.code; } }),
      dirs: fs.readdirSync("/proc/self/fd").map((fd) => { try { return fs.statSync("/proc/self/fd/" + fd).isDirectory(); } catch { return false; } }).includes(true) }`;
    expect(await run(code, writable)).toEqual({
      above: true,
      tmp: [],
      cwd: "/var/task",
      roots: ["EACCES", true],
      dirs: false,
    });

    const sandbox = await pool.acquire("nodejs24", 10_000);
    try {
      await sandbox.prepare(leaseOf(folder, writable));
      // Its process goes to the bundle when all is mounted.
      const pids = cgroupProcesses(sandbox.id);
      await vi.waitFor(() =>
        expect(pids.map((pid) => readlinkSync(`/proc/${pid}/cwd`))).toContain("/var/task"),
      );
      const namespaces = new Map<string, string[]>();
      for (const pid of pids) {
        namespaces.set(pid, readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n"));
        // Seen through each process's root: PID 1 and the parked one have moved along.
        expect(statfsSync(`/proc/${pid}/root`).type).toBe(OVERLAYFS_SUPER_MAGIC);
        expect(["/", "/var/task"]).toContain(readlinkSync(`/proc/${pid}/cwd`));
      }
      expect(namespaces.size).toBe(2);
      for (const lines of namespaces.values())
        expect(lines.some((line) => line.includes(" / ro"))).toBe(false);
    } finally {
      await sandbox.destroy();
    }
  });

  it("what is written is limited like /tmp, in bytes and files, beside it", async () => {
    const code = `const fill = (file) => { const fd = fs.openSync(file, "w"); const block = Buffer.alloc(65536, 1);
        let kib = 0; try { for (;;) kib += fs.writeSync(fd, block) / 1024; } catch (error) { return [kib, error.code]; } };
      return [fill("/big"), fill("/tmp/big")]`;
    expect(await run(code, { ...writable, limits: { tmpMb: 4 } })).toEqual([
      [4096, "ENOSPC"],
      [4096, "ENOSPC"],
    ]);
    const files = `let count = 0; try { for (;; count++) fs.writeFileSync("/var/" + count, ""); } catch (error) { return [count, error.code]; }`;
    const [count, code2] = (await run(files, { ...writable, limits: { tmpMb: 2 } })) as [number, string];
    expect(code2).toBe("ENOSPC");
    expect(count).toBeGreaterThan(480);
    expect(count).toBeLessThan(512);
  });

  it("what is written counts into memory", async () => {
    const code = `const fd = fs.openSync("/big", "w"); for (;;) fs.writeSync(fd, Buffer.alloc(1 << 20, 1))`;
    await expect(run(code, { ...writable, limits: { memoryMb: 64, tmpMb: 256 } })).rejects.toThrow(
      OUT_OF_MEMORY,
    );
  });

  it("gives no right: no capability, no mount, no device, no setuid", async () => {
    const code = `const status = fs.readFileSync("/proc/self/status", "utf8"); fs.copyFileSync("/bin/busybox", "/busybox"); fs.chmodSync("/busybox", 0o6755);
      return [/^CapEff:\\t0+$/m.test(status), cp.spawnSync("/busybox", ["mount", "-t", "tmpfs", "x", "/opt"]).status !== 0,
        cp.spawnSync("/busybox", ["mknod", "/null", "c", "1", "3"]).status !== 0, cp.execFileSync("/busybox", ["id", "-u"]).toString()]`;
    expect(await run(code, writable)).toEqual([true, true, true, "1000\n"]);
  });

  it("goes together with layers and volumes, which stay what they are", async () => {
    const layerFolders = [folderOf({ a: "1" }), folderOf({ b: "2" })];
    const volumes = [{ name: "v", folder: folderOf({ c: "3" }), readOnly: true }];
    const code = `const refused = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
      return [fs.readdirSync("/opt"), fs.readdirSync("/mnt/v"), refused(() => fs.writeFileSync("/opt/x", "")), refused(() => fs.writeFileSync("/mnt/v/x", "")), refused(() => fs.writeFileSync("/x", ""))]`;
    expect(await run(code, { ...writable, layerFolders, volumes })).toEqual([
      ["a", "b"],
      ["c"],
      "EROFS",
      "EROFS",
      "done",
    ]);
  });
});

describe("nothing of the host", () => {
  /** Mounts over parts of /proc are the sandbox's test's and the machine's. */
  const shown = (mounts: Mount[]) =>
    mounts
      .filter(({ point }) => !point.startsWith("/proc/"))
      .map(({ point, type, options, shared }) => [point, type, options, shared]);
  const ROOT = ["bin", "dev", "etc", "lib", "lib64", "mnt", "opt", "proc", "tmp", "usr", "var"];

  it("is at /: exactly these folders and these mounts", async () => {
    const names = (await run(`return fs.readdirSync("/").sort()`)) as string[];
    // Where the linker looks differs between machines: /lib64 on some, /lib on others.
    expect(names.filter((name) => !name.startsWith("lib"))).toEqual(
      ROOT.filter((name) => !name.startsWith("lib")),
    );
    expect(ROOT).toEqual(expect.arrayContaining(names));
    const disk = expect.stringMatching(/^(ext4|xfs|btrfs|overlay|tmpfs)$/);
    expect(shown(await mountsOf())).toEqual([
      ["/", disk, "ro,nosuid,nodev", false],
      ["/dev", "tmpfs", expect.stringMatching(/^ro,nosuid,noexec/), false],
      ["/dev/shm", "tmpfs", "rw,nosuid,nodev,noexec", false],
      ["/proc", "proc", "rw,nosuid,nodev,noexec", false],
      ["/tmp", "tmpfs", "rw,nosuid,nodev", false],
      ["/var/task", disk, "ro,nosuid,nodev", false],
    ]);
  });

  it("is in /dev, /home, /root, /sys or /run: those are not there, or the sandbox's own", async () => {
    const look = `return ["/home", "/root", "/sys", "/run", "/boot", "/srv", "/media", "/host"].filter((path) => fs.existsSync(path))`;
    expect(await run(look)).toEqual([]);
    expect(await run(`return fs.readdirSync("/dev").sort()`)).toEqual([
      "fd",
      "full",
      "null",
      "random",
      "shm",
      "stderr",
      "stdin",
      "stdout",
      "urandom",
      "zero",
    ]);
  });
});
