/** Tries to outlive its time, its parent or its sandbox. */
import { expect } from "vitest";
import { hostileSuite } from "./hostile.fixture.ts";

hostileSuite("lifecycle", [
  {
    title: "ignoring every signal does not outlast the time limit",
    code: `for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR2"]) process.on(signal, () => {}); for (;;);`,
    verdict: "timeout",
  },
  {
    title: "a double-forked daemon dies with its sandbox",
    code: `cp.execSync("(setsid sleep 100 > /dev/null 2>&1 &) &"); return "left"`,
    check: ({ value }) => expect(value).toBe("left"),
  },
  {
    title: "an orphan that holds stdout does not hold the answer",
    code: `cp.spawn("/bin/sleep", ["100"], { stdio: "inherit", detached: true }).unref(); console.log("said"); return 1`,
    check: ({ log }) => expect(log.text).toBe("said\n"),
  },
  {
    title: "an orphan that writes to stdout for ever does not hold the answer",
    code: `cp.spawn("/bin/sh", ["-c", "while :; do echo x; done"], { stdio: "inherit", detached: true }).unref(); return 1`,
  },
  {
    title: "kill -9 -1 meets only its own processes",
    code: `try { process.kill(-1, "SIGKILL"); } catch (error) { return error.code; } return "sent"`,
    check: ({ value }) => expect(["sent", "ESRCH", "EPERM"]).toContain(value),
  },
  {
    title: "stopping everything in sight stops only itself",
    code: `cp.spawn("/bin/sleep", ["100"]); try { process.kill(-1, "SIGSTOP"); } catch {} process.kill(process.pid, "SIGSTOP"); await forever();`,
    verdict: "timeout",
    check: ({ outcome }) =>
      expect(outcome.kind === "timeout" && outcome.autopsy?.processes[0]).toMatchObject({
        pid: 3,
        state: "T",
      }),
  },
  {
    title: "PID 1 cannot be killed or stopped from inside",
    code: `return ["SIGKILL", "SIGSTOP", "SIGTERM", "SIGSEGV"].map((signal) => { try { process.kill(1, signal); return "sent"; } catch (error) { return error.code; } })`,
    check: ({ value }) => expect(value).toEqual(["EPERM", "EPERM", "EPERM", "EPERM"]),
  },
  {
    title: "forks that race the kill are killed too",
    code: `cp.spawn("/bin/sh", ["-c", "while :; do (sleep 100 &) ; done"], { stdio: "ignore" });
      cp.spawn("/bin/sh", ["-c", "while :; do /bin/true & done"], { stdio: "ignore" }); await forever();`,
    verdict: ["timeout", "process_limit", "out_of_memory"],
  },
  {
    title: "an exit before the answer is reported with its code",
    code: "process.exit(3)",
    verdict: "exited",
    check: ({ outcome }) => expect(outcome).toEqual({ kind: "ended", end: { exitCode: 3 } }),
  },
  {
    title: "a signal to itself is reported with its name, and SIGKILL is not taken for a lack of memory",
    code: `process.kill(process.pid, "SIGKILL"); await forever();`,
    verdict: "exited",
    check: ({ outcome }) => expect(outcome).toEqual({ kind: "ended", end: { signal: "SIGKILL" } }),
  },
  {
    title: "zombies are reaped by PID 1",
    code: `cp.execSync("for i in 1 2 3 4 5 6 7 8; do (true &) ; done"); await new Promise((done) => setTimeout(done, 300));
      return fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map((pid) => fs.readFileSync("/proc/" + pid + "/stat", "utf8").split(") ")[1][0])`,
    check: ({ value }) => expect(value).not.toContain("Z"),
  },
  {
    title: "a handler that never answers is ended at the time limit, and the autopsy says what it waited for",
    code: "await forever();",
    verdict: "timeout",
    check: ({ outcome }) =>
      expect(outcome.kind === "timeout" && outcome.autopsy?.processes[0]).toMatchObject({
        pid: 3,
        state: "S",
        syscall: expect.stringMatching(/^epoll_/),
      }),
  },
  {
    title: "a crash in native code is reported as its signal",
    code: "process.abort();",
    verdict: "exited",
    check: ({ outcome }) => expect(outcome).toEqual({ kind: "ended", end: { signal: "SIGABRT" } }),
  },
]);
