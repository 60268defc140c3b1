/**
 * What a container is made of, each part looked at from inside and from outside at the same time: a function that runs
 * and says what it sees, and the host's view of the same process. SECURITY.md lists these tests.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { HOST_IDS } from "../contract/index.ts";
import { readCgroupLayout } from "../native/ts/cgroup-layout.ts";
import { SLOWNESS } from "../test/support/slowness.ts";
import { type LeaseChanges, runnerFolder } from "./code-runner.fixture.ts";
import {
  insidePid,
  type Leftovers,
  leftovers,
  openPool,
  pidsOf,
  removeFolder,
  sandboxCgroup,
} from "./linux-pool.fixture.ts";
import type { SandboxPool } from "./sandbox.ts";
import { eventHeader, leaseOf, limits } from "./sandbox-contract.ts";

const INSTANCE = "test-container";
const MIB = 1024 * 1024;

let pool: SandboxPool;
let folder: string;
let before: Leftovers;

beforeAll(async () => {
  before = leftovers(INSTANCE);
  folder = runnerFolder();
  pool = await openPool(INSTANCE);
}, 30_000 * SLOWNESS);

afterAll(async () => {
  await pool.close();
  await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 * SLOWNESS });
  removeFolder(folder);
});

/** The host's view of a sandbox whose function stands still. */
interface Outside {
  sandboxId: string;
  /** Of the main process. */
  pid: number;
  /** A file of /proc/<pid>. */
  proc(name: string): string;
}

/**
 * Runs the code, which sets `seen`, and while the function still stands looks from outside. What inside and outside saw.
 */
async function look<T>(code: string, outside: (view: Outside) => T | Promise<T>, changes: LeaseChanges = {}) {
  const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
  try {
    await sandbox.prepare(leaseOf(folder, { ...changes, limits: { ...limits, ...changes.limits } }));
    const held = `let seen; ${code}; fs.writeFileSync("/dev/shm/seen", "");
      while (!fs.existsSync("/dev/shm/go")) await new Promise((done) => setTimeout(done, 5)); return seen;`;
    const event = Buffer.from(JSON.stringify({ code: held }));
    const running = sandbox.run(eventHeader(), event, 15_000 * SLOWNESS);
    const pid = pidsOf(INSTANCE, sandbox.id).find((one) => insidePid(one) === 3) ?? Number.NaN;
    const shm = `/proc/${pid}/root/dev/shm`;
    await vi.waitFor(() => expect(existsSync(`${shm}/seen`)).toBe(true), { timeout: 10_000 * SLOWNESS });
    const proc = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
    const host = await outside({ sandboxId: sandbox.id, pid, proc });
    writeFileSync(`${shm}/go`, "");
    const outcome = await running;
    if (outcome.kind !== "answer" || outcome.header.status !== "ok") throw new Error(JSON.stringify(outcome));
    return { inside: JSON.parse(outcome.body.toString()), outside: host, usage: sandbox.usage() };
  } finally {
    await sandbox.destroy();
  }
}

const namespaceOf = (pid: number | "self", name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
const interfacesIn = (text: string) =>
  text
    .trim()
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim());

describe("namespaces", () => {
  it("pid: a tree of its own inside, three processes among the host's outside", async () => {
    const { inside, outside } = await look(
      `seen = fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map(Number)`,
      ({ sandboxId }) =>
        pidsOf(INSTANCE, sandboxId).map((pid) => ({ pid, inside: insidePid(pid), command: commandOf(pid) })),
    );
    expect(inside).toEqual([1, 3]);
    expect(outside.map((one) => one.inside).sort()).toEqual([1, 3]);
    for (const { pid } of outside) expect(pid).toBeGreaterThan(3);
    expect(outside.map(({ command }) => command)).toContain("mayfly-init");
  });

  it("net: its own loopback and nothing else inside; the host's interfaces are what they were", async () => {
    const host = interfacesIn(readFileSync("/proc/self/net/dev", "utf8"));
    const { inside, outside } = await look(
      `seen = fs.readFileSync("/proc/net/dev", "utf8")`,
      ({ pid, proc }) => ({
        interfaces: interfacesIn(proc("net/dev")),
        isOwn: namespaceOf(pid, "net") !== namespaceOf("self", "net"),
        host: interfacesIn(readFileSync("/proc/self/net/dev", "utf8")),
      }),
    );
    expect(interfacesIn(inside)).toEqual(["lo"]);
    expect(outside).toEqual({ interfaces: ["lo"], isOwn: true, host });
  });

  it("mount: what is mounted inside is seen by nobody outside", async () => {
    const mounts = () => readFileSync("/proc/self/mountinfo", "utf8");
    const host = mounts();
    const { inside, outside } = await look(
      `fs.writeFileSync("/tmp/mine", ""); seen = fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\\n").length`,
      ({ pid, proc }) => ({
        lines: proc("mountinfo").trim().split("\n").length,
        isOwn: namespaceOf(pid, "mnt") !== namespaceOf("self", "mnt"),
        host: mounts(),
        isInHostTmp: existsSync("/tmp/mine"),
      }),
    );
    expect(outside).toEqual({ lines: inside, isOwn: true, host, isInHostTmp: false });
  });

  it("uts: its own host name inside, the host's outside", async () => {
    const { inside, outside } = await look(
      `seen = require("os").hostname()`,
      ({ pid }) => namespaceOf(pid, "uts") !== namespaceOf("self", "uts"),
    );
    expect([inside, outside]).toEqual(["sandbox", true]);
    expect(hostname()).not.toBe("sandbox");
  });

  it("ipc: shared memory of the host is not there inside", async () => {
    const made = /\d+/.exec(execFileSync("ipcmk", ["-M", "4096"]).toString())?.[0] ?? "";
    try {
      const { inside, outside } = await look(
        `seen = fs.readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\\n").length - 1`,
        ({ pid }) => ({
          isOwn: namespaceOf(pid, "ipc") !== namespaceOf("self", "ipc"),
          host: readFileSync("/proc/sysvipc/shm", "utf8"),
        }),
      );
      expect(inside).toBe(0);
      expect(outside.isOwn).toBe(true);
      expect(outside.host).toMatch(new RegExp(`^\\s*-?\\d+\\s+${made}\\s`, "m"));
    } finally {
      execFileSync("ipcrm", ["-m", made]);
    }
  });

  it("user: id 1000 inside is an id of a range that nobody else has outside, and so is what it makes", async () => {
    const code = `fs.writeFileSync("/tmp/mine", ""); seen = [process.getuid(), process.getgid(), fs.statSync("/tmp/mine").uid]`;
    const view = ({ pid, proc }: Outside) => ({
      uids: /^Uid:\s+(.*)$/m.exec(proc("status"))?.[1]?.split(/\s+/).map(Number),
      file: statSync(`/proc/${pid}/root/tmp/mine`).uid,
      map: proc("uid_map").trim().split(/\s+/).map(Number),
    });
    const [first, second] = await Promise.all([look(code, view), look(code, view)]);
    for (const { inside, outside } of [first, second]) {
      expect(inside).toEqual([1000, 1000, 1000]);
      const [, base = 0, size] = outside.map;
      expect(size).toBe(HOST_IDS.idsPerSandbox);
      expect(base).toBeGreaterThanOrEqual(HOST_IDS.firstSandboxUid);
      expect(outside.uids).toEqual(Array(4).fill(base + 1000));
      expect(outside.file).toBe(base + 1000);
    }
    expect(first.outside.map[1]).not.toBe(second.outside.map[1]);
  });

  it("cgroup: it sees itself as the root; outside it is one of the worker's", async () => {
    const { inside, outside } = await look(
      `seen = fs.readFileSync("/proc/self/cgroup", "utf8").trim().split("\\n")`,
      ({ sandboxId, pid, proc }) => ({
        paths: proc("cgroup").trim().split("\n"),
        own: `/mayfly-${INSTANCE}/${sandboxId}`,
        isOwn: namespaceOf(pid, "cgroup") !== namespaceOf("self", "cgroup"),
      }),
    );
    const ours = outside.paths.filter((line) => line.endsWith(outside.own)).map((line) => line.split(":")[0]);
    expect(ours).toContain("0");
    for (const hierarchy of ours)
      expect(inside.find((line: string) => line.startsWith(`${hierarchy}:`))).toMatch(/:\/$/);
    expect(inside.join()).not.toContain(INSTANCE);
    expect(outside.isOwn).toBe(true);
  });
});

describe("control groups", () => {
  /** The limit as the kernel has it, of whichever version. */
  function limitFile(
    sandboxId: string,
    v2: string,
    v1: { controller: "cpu" | "memory" | "pids"; file: string },
  ) {
    const layout = readCgroupLayout();
    const own = layout.v1
      ? `${layout.v1[v1.controller]}/mayfly-${INSTANCE}/${sandboxId}/${v1.file}`
      : `${sandboxCgroup(INSTANCE, sandboxId)}/${v2}`;
    return readFileSync(own, "utf8").trim();
  }

  it("cpu: the quota is the kernel's; what it held back is counted", async () => {
    const { outside, usage } = await look(
      `const end = Date.now() + 600; while (Date.now() < end); seen = true`,
      ({ sandboxId }) => limitFile(sandboxId, "cpu.max", { controller: "cpu", file: "cpu.cfs_quota_us" }),
      { limits: { cpu: 0.5 } },
    );
    expect(Number(outside.split(" ")[0])).toBe(50_000);
    expect(usage.throttledUs).toBeGreaterThan(0);
    expect(usage.cpuUs).toBeGreaterThan(0);
  });

  it("memory: the limit is the kernel's, without swap; the peak is counted", async () => {
    const { outside, usage } = await look(
      `globalThis.kept = Buffer.alloc(64 * 1024 * 1024, 1); seen = true`,
      ({ sandboxId }) => {
        const file = (v2: string, v1: string) => limitFile(sandboxId, v2, { controller: "memory", file: v1 });
        return { limit: file("memory.max", "memory.limit_in_bytes"), swap: swapLimit(sandboxId) };
      },
      { limits: { memoryMb: 160 } },
    );
    expect(Number(outside.limit)).toBe(160 * MIB);
    expect([undefined, 0, 160 * MIB]).toContain(outside.swap);
    // Linux before 5.19 does not count the peak on v2.
    if (usage.memoryPeakBytes > 0) expect(usage.memoryPeakBytes).toBeGreaterThan(64 * MIB);
    else expect(readCgroupLayout().v1).toBeUndefined();
  });

  it("pids: the limit is the kernel's, with one more for PID 1; refused forks are counted", async () => {
    const { inside, outside, usage } = await look(
      `const some = []; seen = 0;
       for (let i = 0; i < 20; i++) { const child = cp.spawn("/bin/sleep", ["5"]); child.on("error", () => { seen += 1; }); some.push(child); }
       await new Promise((done) => setTimeout(done, 50))`,
      ({ sandboxId }) => limitFile(sandboxId, "pids.max", { controller: "pids", file: "pids.max" }),
      { limits: { pids: 16 } },
    );
    expect(Number(outside)).toBe(17);
    expect(inside).toBeGreaterThan(0);
    expect(usage.pidsLimitHits).toBeGreaterThan(0);
  });

  /** Bytes of memory and swap together (v1) or of swap alone (v2); undefined without swap accounting. */
  function swapLimit(sandboxId: string): number | undefined {
    try {
      const v1 = { controller: "memory", file: "memory.memsw.limit_in_bytes" } as const;
      return Number(limitFile(sandboxId, "memory.swap.max", v1));
    } catch {
      return undefined;
    }
  }
});

describe("the file system", () => {
  it("has a root that is not the host's, nor below it, and ends at itself", async () => {
    const { inside, outside } = await look(
      `const { dev, ino } = fs.statSync("/"); seen = { root: [dev, ino], above: [fs.statSync("/..").dev, fs.statSync("/..").ino], names: fs.readdirSync("/").sort() }`,
      ({ pid }) => ({
        isHost: statSync(`/proc/${pid}/root/`).ino === statSync("/").ino,
        host: readdirSync("/"),
      }),
    );
    expect(inside.above).toEqual(inside.root);
    expect(outside.isHost).toBe(false);
    expect(inside.names).not.toEqual(outside.host.sort());
  });

  it("shows nothing behind the masks, which are the kernel's outside", async () => {
    const masked = [
      "/proc/kcore",
      "/proc/keys",
      "/proc/timer_list",
      "/proc/interrupts",
      "/proc/sysrq-trigger",
    ];
    const { inside } = await look(
      `seen = ${JSON.stringify(masked)}.filter((file) => fs.existsSync(file)).map((file) => [fs.statSync(file).isCharacterDevice(), fs.readFileSync(file).length])`,
      () => undefined,
    );
    expect(inside.length).toBeGreaterThan(2);
    for (const one of inside) expect(one).toEqual([true, 0]);
    expect(statSync("/proc/interrupts").isFile()).toBe(true);
  });
});

describe("PID 1", () => {
  it("reaps what others leave: no zombie inside, none of its children outside", async () => {
    const { inside, outside } = await look(
      `cp.execSync("for i in 1 2 3 4 5; do (sleep 0.01 &) ; done"); await new Promise((done) => setTimeout(done, 200));
       seen = fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length`,
      ({ sandboxId }) => pidsOf(INSTANCE, sandboxId).length,
    );
    expect([inside, outside]).toEqual([2, 2]);
  });

  it("takes the whole sandbox with it when it is killed", async () => {
    const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
    const pids = pidsOf(INSTANCE, sandbox.id);
    const init = pids.find((pid) => insidePid(pid) === 1) ?? Number.NaN;
    process.kill(init, "SIGKILL");
    expect(await sandbox.died).toEqual({});
    for (const pid of pids) if (pid !== init) expect(existsSync(`/proc/${pid}`)).toBe(false);
    await sandbox.destroy();
  });

  it("and the rest are seen by ps on the host, by name", async () => {
    const { outside } = await look("seen = true", ({ sandboxId }) =>
      pidsOf(INSTANCE, sandboxId).map(commandOf),
    );
    /* The first is how Node.js calls its main thread. */
    expect(outside.sort()).toEqual(["MainThread", "mayfly-init"]);
  });
});

/** What ps shows. */
function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}
