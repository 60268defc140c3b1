import { accessSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SLOWNESS } from "../test/support/slowness.ts";
import {
  bundleFolder,
  insidePid,
  type Leftovers,
  leftovers,
  openPool,
  pidsOf,
  removeFolder,
} from "./linux-pool.fixture.ts";
import type { Outcome, Sandbox, SandboxFactory, SandboxPool } from "./sandbox.ts";
import { eventHeader, leaseOf, limits, sandboxContract } from "./sandbox-contract.ts";

const INSTANCE = "test-sandbox";

/** Understands the events of fake-sandbox.ts, and runs code that a test sends. */
const FUNCTION = `
export const handler = async (event, context) => {
  if (event?.exit !== undefined) process.exit(event.exit);
  if (event?.sleep) await new Promise((resolve) => setTimeout(resolve, 1e9));
  if (event?.code) return await (new (Object.getPrototypeOf(async () => {}).constructor)("context", event.code))(context);
  return event;
};`;

describe("the Linux sandbox", () => {
  let before: Leftovers;
  let pool: SandboxPool;
  let folder: string;

  beforeAll(async () => {
    folder = bundleFolder({ "index.mjs": FUNCTION, "data/answer.txt": "42" });
    before = leftovers(INSTANCE);
    pool = await openPool(INSTANCE);
  });

  afterAll(async () => {
    await pool.close();
    await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 * SLOWNESS });
    removeFolder(folder);
  });

  /** Pids on the host. */
  function initAndMain(sandboxId: string): [init: number, main: number] {
    const pids = pidsOf(INSTANCE, sandboxId);
    const pidOf = (inside: number) => pids.find((pid) => insidePid(pid) === inside) ?? Number.NaN;
    return [pidOf(1), pidOf(3)];
  }

  const factory: SandboxFactory = {
    runtime: "nodejs24",
    network: "none",
    create: () => pool.acquire("nodejs24", 10_000 * SLOWNESS),
    close: async () => {},
  };

  sandboxContract(
    () => factory,
    () => folder,
  );

  /** Runs a function body in a fresh sandbox. */
  async function attempt<T>(
    code: string,
    options: { limits?: Partial<typeof limits>; timeoutMs?: number } = {},
    look?: (sandbox: Sandbox, outcome: Outcome) => T,
  ) {
    const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
    try {
      await sandbox.prepare(leaseOf(folder, { limits: { ...limits, ...options.limits } }));
      const event = Buffer.from(JSON.stringify({ code }));
      const outcome = await sandbox.run(eventHeader(), event, options.timeoutMs ?? 10_000 * SLOWNESS);
      const seen = look?.(sandbox, outcome);
      const value =
        outcome.kind === "answer" && outcome.body.length > 0
          ? JSON.parse(outcome.body.toString())
          : undefined;
      return { outcome, value, seen, usage: sandbox.usage(), log: sandbox.log() };
    } finally {
      await sandbox.destroy();
    }
  }
  const evaluate = async (code: string) => {
    const { value, outcome } = await attempt(code);
    expect(outcome).toMatchObject({ kind: "answer", header: { status: "ok" } });
    return value;
  };
  const FS = `const fs = process.getBuiltinModule("fs"); const cp = process.getBuiltinModule("child_process");`;

  it("the function is an unprivileged user without capabilities and cannot gain any", async () => {
    const status: string = await evaluate(`${FS} return fs.readFileSync("/proc/self/status", "utf8")`);
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(status).toMatch(/^Gid:\t1000\t1000\t1000\t1000$/m);
    expect(status).toMatch(/^Groups:\t\s*$/m);
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
      expect(status).toMatch(new RegExp(`^Cap${set}:\\t0{16}$`, "m"));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it("it sees its own processes only, with the mini-init as PID 1", async () => {
    const pids = await evaluate(`${FS} return fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name))`);
    expect(pids).toEqual(["1", "3"]);
  });

  it("it has the agreed descriptors and what Node.js needs for itself, none of the worker's or zygote's", async () => {
    const links: string[] = await evaluate(`${FS} return fs.readdirSync("/proc/self/fd").map((fd) => {
      try { return fs.readlinkSync("/proc/self/fd/" + fd); } catch { return "closed"; } })`);
    const kinds = links.map((link) => link.replace(/\d+/g, "N"));
    const expected =
      /^(\/dev\/null|pipe:\[N\]|socket:\[N\]|anon_inode:\[(eventpoll|eventfd|io_uring)\]|closed)$/;
    expect(kinds.filter((kind) => !expected.test(kind))).toEqual([]);
    /* Its control socket, and one event loop: not the loops of the zygote's other threads. */
    for (const one of ["socket:[N]", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"]) {
      expect(kinds.filter((kind) => kind === one)).toHaveLength(1);
    }
  });

  it("siblings share no pipe, socket or other kernel object", async () => {
    const look = `${FS} return fs.readdirSync("/proc/self/fd").map((fd) => {
      try { return fs.readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } }).filter((link) => /\\d\\]$/.test(link))`;
    const [first, second] = [await evaluate(look), await evaluate(look)];
    expect(first.length).toBeGreaterThan(3);
    expect(first.filter((link: string) => second.includes(link))).toEqual([]);
  });

  it("its root is read-only, its bundle too, and only /tmp and /dev/shm can be written", async () => {
    const written =
      await evaluate(`${FS} return ["/", "/etc", "/usr/bin", "/var/task", "/var/runtime", "/dev", "/proc",
      "/tmp", "/dev/shm"].filter((folder) => { try { fs.writeFileSync(folder + "/x", "x"); return true; } catch { return false; } })`);
    expect(written).toEqual(["/tmp", "/dev/shm"]);
  });

  it("/tmp holds what the limit says and not more", async () => {
    const { value } = await attempt(
      `${FS} let kib = 0; try { for (;;) { fs.appendFileSync("/tmp/f", Buffer.alloc(65536)); kib += 64; } }
       catch (error) { return [kib, error.code]; }`,
      { limits: { tmpMb: 4 } },
    );
    expect(value).toEqual([4096, "ENOSPC"]);
  });

  it("PID 1 passes on to the main process what the host sends it", async () => {
    const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
    try {
      await sandbox.prepare(leaseOf(folder));
      const code = `${FS} const heard = []; const all = Promise.withResolvers(); setInterval(() => {}, 1000);
        for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2"])
          process.on(signal, () => { heard.push(signal); if (heard.length === 3) all.resolve(); });
        fs.writeFileSync("/dev/shm/listening", ""); await all.promise; return heard.sort();`;
      const running = sandbox.run(eventHeader(), Buffer.from(JSON.stringify({ code })), 10_000 * SLOWNESS);
      const [init, main] = initAndMain(sandbox.id);
      await vi.waitFor(() => accessSync(`/proc/${main}/root/dev/shm/listening`), {
        timeout: 5000 * SLOWNESS,
      });
      for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2"]) process.kill(init, signal);
      const outcome = await running;
      expect(outcome.kind === "answer" && outcome.body.toString()).toBe('["SIGHUP","SIGTERM","SIGUSR2"]');
    } finally {
      await sandbox.destroy();
    }
  });

  it("a signal that the main process does not listen for ends it, and with it the sandbox", async () => {
    const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
    process.kill(initAndMain(sandbox.id)[0], "SIGTERM");
    expect(await sandbox.died).toEqual({ signal: "SIGTERM" });
    await sandbox.destroy();
  });

  it("its network is a loopback interface of its own", async () => {
    const value = await evaluate(`const http = process.getBuiltinModule("http");
      const server = http.createServer((request, response) => response.end("ok"));
      await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
      const text = await (await fetch("http://127.0.0.1:" + server.address().port)).text();
      return [text, Object.keys(process.getBuiltinModule("os").networkInterfaces())];`);
    expect(value).toEqual(["ok", ["lo"]]);
  });

  it("it cannot make a user namespace, in which it would have every capability; the host still can", async () => {
    const { value } = await attempt(`${FS} const tried = cp.spawnSync("/bin/unshare", ["-U", "/bin/true"]);
      return [tried.status !== 0, tried.stderr.toString(), fs.readFileSync("/proc/sys/user/max_user_namespaces", "utf8")]`);
    // The filter refuses it; without the filter the limit would (user_namespaces(7)).
    expect(value).toEqual([true, expect.stringContaining("Operation not permitted"), "0\n"]);
    expect(Number(readFileSync("/proc/sys/user/max_user_namespaces", "utf8"))).toBeGreaterThan(0);
  });

  it("its host name, IPC and cgroup are its own", async () => {
    const value = await evaluate(`${FS} return [process.getBuiltinModule("os").hostname(),
      fs.readFileSync("/proc/self/cgroup", "utf8").trim().split("\\n").filter((line) => /^0:|:(cpu|memory|pids):/.test(line)).map((line) => line.split(":")[2])]`);
    expect(value[0]).toBe("sandbox");
    expect(new Set(value[1])).toEqual(new Set(["/"]));
  });

  it("child processes, shells, threads, timers, compression and WebAssembly work", async () => {
    const value = await evaluate(`${FS}
      const worker = new (process.getBuiltinModule("worker_threads").Worker)("require('worker_threads').parentPort.postMessage(42)", { eval: true });
      const fromWorker = await new Promise((resolve, reject) => { worker.on("message", resolve); worker.on("error", reject); });
      const zipped = await new Promise((resolve, reject) => process.getBuiltinModule("zlib").gzip("x".repeat(1e5), (error, data) => error ? reject(error) : resolve(data.length)));
      const wasm = await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
      return [cp.execSync("echo hi from $(whoami)").toString(), fromWorker, zipped < 1000, wasm.instance instanceof WebAssembly.Instance,
        await new Promise((resolve) => cp.execFile("/usr/bin/node", ["-p", "process.pid"], (error, out) => resolve(error?.message ?? Number(out) > 3)))]`);
    expect(value).toEqual(["hi from sandbox\n", 42, true, true, true]);
  });

  it("stdout and stderr of the function and its children are its log, in order, and /dev/stdout works", async () => {
    const { log } = await attempt(
      `${FS} console.log("one"); console.error("two"); cp.execSync("echo three >&2; echo four > /dev/stdout", { stdio: "inherit" }); console.log("five")`,
    );
    expect(log.text).toBe("one\ntwo\nthree\nfour\nfive\n");
  });

  it("a long log is cut with a visible mark, and the function is not held up", async () => {
    const { log, outcome } = await attempt(
      `for (let i = 0; i < 1000; i++) console.log("x".repeat(999)); return "done"`,
    );
    expect(outcome.kind).toBe("answer");
    expect(log.totalBytes).toBe(1_000_000);
    expect(log.droppedBytes).toBe(1_000_000 - 262_144);
    expect(
      log.text.endsWith("\n[mayfly: log truncated: 737856 bytes after the first 262144 were dropped]\n"),
    ).toBe(true);
  });

  it.each([
    ["buffers", "const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1));"],
    ["objects", "const kept = []; for (let i = 0; ; i++) kept.push({ i, text: 'x' + i });"],
  ])("memory beyond the limit, in %s, ends it, and the cgroup's counter says why", async (_, code) => {
    const { outcome, usage } = await attempt(code, { limits: { memoryMb: 64 } });
    expect(outcome.kind).toBe("ended");
    expect(usage.oomKills).toBeGreaterThan(0);
    expect(usage.memoryPeakBytes).toBeGreaterThan(48 * 1024 * 1024);
  });

  it.each([
    ["arrays", "for (let i = 0; i < 400; i++) n += new Array(1e5).fill(i).length;"],
    ["buffers", "for (let i = 0; i < 400; i++) n += Buffer.alloc(1 << 20, i).length;"],
    ["objects", "const ring = []; for (let i = 0; i < 1e6; i++) ring[i % 1e5] = { i, text: 'x' + i };"],
  ])("garbage beyond the limit, in %s, does not: only what is kept counts", async (_, code) => {
    const { outcome } = await attempt(`let n = 0; ${code} return n`, { limits: { memoryMb: 64 } });
    expect(outcome).toMatchObject({ kind: "answer", header: { status: "ok" } });
  });

  it("processes beyond the limit are refused and counted", async () => {
    const { value, usage } = await attempt(
      `${FS} const results = await Promise.all(Array.from({ length: 20 }, () => new Promise((resolve) => {
        const child = cp.spawn("/bin/sleep", ["5"]); child.on("spawn", () => resolve("started")); child.on("error", (error) => resolve(error.code)); })));
       return results`,
      { limits: { pids: 8 } },
    );
    expect(value.filter((result: string) => result === "started").length).toBeLessThanOrEqual(7);
    expect(value).toContain("EAGAIN");
    expect(usage.pidsLimitHits).toBeGreaterThan(0);
  });

  it("CPU time is limited to the quota, and the wait is counted", async () => {
    const { usage } = await attempt(`const end = Date.now() + 1000; while (Date.now() < end);`, {
      limits: { cpu: 0.2 },
    });
    expect(usage.throttledUs).toBeGreaterThan(300_000);
    expect(usage.cpuUs).toBeLessThan(500_000);
  });

  it("a timeout comes with an autopsy: the JavaScript that ran, and what waited where", async () => {
    const spun = await attempt(
      `function innermost() { for (;;); } function outer() { innermost(); } outer();`,
      { timeoutMs: 300 * SLOWNESS },
    );
    expect(spun.outcome).toMatchObject({
      kind: "timeout",
      autopsy: { processes: [{ pid: 3, state: "R", threads: 1 }] },
    });
    if (spun.outcome.kind !== "timeout") throw new Error("no timeout");
    expect(spun.outcome.autopsy?.stack?.[0]).toMatch(/^at innermost \(.*\/var\/task\/index\.mjs:\d+:\d+\)/);
    expect(spun.outcome.autopsy?.stack?.[1]).toMatch(/^at outer /);

    const waited = await attempt(
      `${FS} cp.spawn("/bin/sleep", ["60"]); await new Promise(() => setTimeout(() => {}, 1e6));`,
      { timeoutMs: 500 * SLOWNESS },
    );
    if (waited.outcome.kind !== "timeout") throw new Error("no timeout");
    expect(waited.outcome.autopsy?.stack).toBeUndefined();
    expect(waited.outcome.autopsy?.processes).toMatchObject([
      { pid: 3, state: "S", syscall: expect.stringMatching(/^epoll_/) },
      { name: "sleep", state: "S", syscall: expect.stringMatching(/nanosleep$/), wchan: expect.any(String) },
    ]);
  });

  it("siblings share no randomness", async () => {
    const code = `const crypto = process.getBuiltinModule("crypto"); return [Math.random(), crypto.randomUUID(), crypto.randomInt(2 ** 47),
      crypto.randomBytes(8).toString("hex"), globalThis.crypto.getRandomValues(new Uint8Array(8)).join(), globalThis.crypto.randomUUID()]`;
    const all: unknown[] = [];
    for (let i = 0; i < 6; i++) all.push(...((await evaluate(code)) as unknown[]));
    expect(new Set(all).size).toBe(all.length);
  });

  it("what a process knows of itself is true of the fork, not of the zygote", async () => {
    const value =
      await evaluate(`${FS} return { pid: process.pid, ppid: process.ppid, self: fs.readlinkSync("/proc/self"), uptime: process.uptime() < 60,
      origin: Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50, cwd: process.cwd(), argv: process.argv, execArgv: process.execArgv,
      exec: fs.existsSync(process.execPath), gc: typeof globalThis.gc, umask: process.umask(), keys: Object.keys(process.env).sort() }`);
    expect(value).toMatchObject({
      pid: 3,
      ppid: 1,
      self: "3",
      uptime: true,
      origin: true,
      cwd: "/var/task",
      argv: ["/usr/bin/node", "/var/task/index.mjs"],
      execArgv: [],
      exec: true,
      gc: "undefined",
      umask: 0o022,
    });
    expect(value.keys).toEqual([
      "HOME",
      "LANG",
      "MAYFLY_FUNCTION_NAME",
      "MAYFLY_INVOCATION_ID",
      "PATH",
      "TMPDIR",
      "TZ",
    ]);
  });

  it.each([
    ["process.exit(7)", { exitCode: 7 }],
    [
      "process.on('exit', () => console.log('bye')); process.exitCode = 9; await new Promise(() => {})",
      { exitCode: 9 },
    ],
    [
      "process.kill(process.pid, 'SIGKILL'); await new Promise(() => setTimeout(() => {}, 1e6))",
      { signal: "SIGKILL" },
    ],
    ["process.abort()", { signal: "SIGABRT" }],
  ])("`%s` ends it and is reported as it was", async (code, end) => {
    expect((await attempt(code)).outcome).toEqual({ kind: "ended", end });
  });

  it("an orphan that outlives its parent is reaped, and dies with the sandbox", async () => {
    const value =
      await evaluate(`${FS} cp.execSync("(sleep 0.05 &) ; true"); await new Promise((resolve) => setTimeout(resolve, 200));
      return fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name))`);
    expect(value).toEqual(["1", "3"]);
  });

  it("an error that is thrown later still gets its answer", async () => {
    const { outcome } = await attempt(
      `setTimeout(() => { throw new TypeError("late"); }, 5); await new Promise(() => {})`,
    );
    expect(outcome).toMatchObject({
      kind: "answer",
      header: { status: "function_error", error: { type: "TypeError", message: "late" } },
    });
  });

  it("an answer above the limit is refused inside", async () => {
    const { outcome } = await attempt(`return "x".repeat(7 * 1024 * 1024)`);
    expect(outcome).toMatchObject({ kind: "answer", header: { status: "response_too_large" } });
  });

  it("what is not of the protocol ends it with a protocol error", async () => {
    const { outcome } =
      await attempt(`${FS} for (let fd = 3; fd < 40; fd++) try { if (fs.readlinkSync("/proc/self/fd/" + fd).startsWith("socket")) fs.writeSync(fd, "garbage, and then some more of it"); } catch {}
      await new Promise((resolve) => setTimeout(resolve, 1e6))`);
    expect(outcome.kind).toBe("protocol_error");
  });

  it("an event and an answer of nearly the limit pass unharmed", async () => {
    const sandbox = await pool.acquire("nodejs24", 10_000 * SLOWNESS);
    await sandbox.prepare(leaseOf(folder, { limits: { ...limits, memoryMb: 256 } }));
    const event = Buffer.from(JSON.stringify({ text: "é".repeat(3 * 1024 * 1024 - 100) }));
    const outcome = await sandbox.run(eventHeader(), event, 10_000);
    await sandbox.destroy();
    if (outcome.kind !== "answer") throw new Error(`not an answer: ${outcome.kind}`);
    expect(outcome.body.equals(event)).toBe(true);
  });
});
