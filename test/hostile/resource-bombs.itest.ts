/** Takes as much as it can get of everything that a machine has a limited amount of. */
import { expect } from "vitest";
import { hostileSuite } from "./hostile.fixture.ts";

const MIB = 1024 * 1024;

hostileSuite("resource bombs", [
  {
    title: "a fork bomb in a shell meets the limit of processes",
    code: `cp.spawn("/bin/sh", ["-c", "f() { f | f & }; f"], { stdio: "ignore" }); await forever();`,
    verdict: "process_limit",
    check: ({ usage }) => expect(usage.pidsLimitHits).toBeGreaterThan(0),
  },
  {
    title: "a fork bomb in Node.js meets the limit of processes",
    code: `for (;;) cp.spawn("/bin/sleep", ["100"], { stdio: "ignore" }).on("error", () => {}); `,
    verdict: ["process_limit", "out_of_memory"],
  },
  {
    title: "a thread bomb meets the limit of processes",
    code: `const { Worker } = process.getBuiltinModule("worker_threads");
      for (let i = 0; i < 100; i++) new Worker("setInterval(() => {}, 1e6)", { eval: true }).on("error", () => {}); await forever();`,
    limits: { memoryMb: 256, pids: 16 },
    verdict: ["process_limit", "out_of_memory"],
  },
  {
    title: "memory of V8's heap beyond the limit is out of memory",
    code: "const kept = []; for (;;) kept.push(new Array(1e5).fill(1.5));",
    verdict: "out_of_memory",
    check: ({ usage }) => expect(usage.memoryPeakBytes).toBeLessThanOrEqual(64 * MIB),
  },
  {
    title: "memory of buffers beyond the limit is out of memory",
    code: "const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1));",
    verdict: "out_of_memory",
  },
  {
    title: "mapped memory of a child beyond the limit is out of memory",
    code: `probe("bomb", "mmap"); await forever();`,
    verdict: "out_of_memory",
  },
  {
    title: "/tmp is full at its size",
    code: `let bytes = 0; try { for (;;) { fs.appendFileSync("/tmp/f", Buffer.alloc(1 << 16)); bytes += 1 << 16; } }
      catch (error) { return [bytes, error.code]; }`,
    limits: { tmpMb: 8 },
    check: ({ value }) => expect(value).toEqual([8 * MIB, "ENOSPC"]),
  },
  {
    title: "/tmp larger than the memory is out of memory",
    code: `for (;;) fs.appendFileSync("/tmp/f", Buffer.alloc(1 << 20));`,
    limits: { tmpMb: 512 },
    verdict: "out_of_memory",
  },
  {
    title: "/dev/shm counts as memory",
    code: `for (let i = 0; ; i++) fs.writeFileSync("/dev/shm/f" + i, Buffer.alloc(1 << 20, 1));`,
    verdict: "out_of_memory",
  },
  {
    title: "an inode bomb in /tmp meets the limit of files",
    code: `let made = 0; try { for (;; made++) fs.closeSync(fs.openSync("/tmp/" + made, "w")); } catch (error) { return [made, error.code]; }`,
    limits: { tmpMb: 1, timeoutMs: 10_000 },
    check: ({ value }) => {
      expect(value[0]).toBeLessThanOrEqual(256);
      expect(value[1]).toBe("ENOSPC");
    },
  },
  {
    title: "an inode bomb in /dev/shm meets the limit of files",
    code: `let made = 0; try { for (;; made++) fs.closeSync(fs.openSync("/dev/shm/" + made, "w")); } catch (error) { return [made, error.code]; }`,
    limits: { timeoutMs: 10_000 },
    check: ({ value }) => {
      expect(value[0]).toBeLessThanOrEqual(4096);
      expect(value[1]).toBe("ENOSPC");
    },
  },
  {
    title: "a memfd bomb is out of memory",
    code: `probe("bomb", "memfd"); await forever();`,
    verdict: "out_of_memory",
  },
  {
    title: "a bomb of file descriptors meets RLIMIT_NOFILE",
    code: `let open = 0; try { for (;; open++) fs.openSync("/dev/null"); } catch (error) { return [open, error.code]; }`,
    check: ({ value }) => {
      expect(value[0]).toBeLessThan(1024);
      expect(value[1]).toBe("EMFILE");
    },
  },
  {
    title: "RLIMIT_NOFILE cannot be raised",
    code: `return cp.spawnSync("/bin/sh", ["-c", "ulimit -n 100000; ulimit -n"], { encoding: "utf8" }).stdout`,
    check: ({ value }) => expect(value).toBe("1024\n"),
  },
  {
    title: "an inotify bomb is refused and takes nothing from its neighbours",
    code: `return probe("bomb", "inotify")`,
    check: ({ value }) => expect(value).toMatch(/^\d+ EMFILE$/),
  },
  {
    title: "a bomb of full pipes stays within the memory limit",
    code: `return probe("bomb", "pipe")`,
    verdict: ["ok", "out_of_memory"],
    check: ({ usage }) => expect(usage.memoryPeakBytes).toBeLessThanOrEqual(64 * MIB),
  },
  {
    title: "a bomb of full socket buffers stays within the memory limit",
    code: `return probe("bomb", "socket")`,
    verdict: ["ok", "out_of_memory"],
    check: ({ usage }) => expect(usage.memoryPeakBytes).toBeLessThanOrEqual(64 * MIB),
  },
  {
    title: "a spinning CPU is ended at the time limit, and the autopsy says where it spun",
    code: `function spin() { for (;;); } spin();`,
    verdict: "timeout",
    check: ({ outcome }) =>
      expect(outcome.kind === "timeout" && outcome.autopsy?.stack?.[0]).toMatch(/^at spin /),
  },
  {
    title: "a CPU quota holds a spinning function back",
    code: `const end = Date.now() + 1000; while (Date.now() < end);`,
    limits: { cpu: 0.1, timeoutMs: 10_000 },
    check: ({ usage }) => {
      expect(usage.throttledUs).toBeGreaterThan(500_000);
      expect(usage.cpuUs).toBeLessThan(400_000);
    },
  },
  {
    title: "a disk cannot be filled: nothing on one can be written",
    code: `const folders = cp.execSync("find / -xdev -type d 2>/dev/null; echo /var/task; echo /dev; echo /proc", { encoding: "utf8" }).trim().split("\\n");
      return folders.filter((folder) => { try { fs.writeFileSync(folder + "/x", "x"); return true; } catch { return false; } })`,
    limits: { timeoutMs: 10_000 },
    check: ({ value }) => expect(value).toEqual(["/tmp"]), // which is memory
  },
]);
