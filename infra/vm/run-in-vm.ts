/**
 * Runs inside the virtual machine, started by vm-init.sh: the suites that the kernel's command line names. boot-vm.ts
 * reads the lines that begin with `vm:`.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { type Count, runVitest } from "../run-vitest.ts";
import { SUITES, type VmSuite } from "./suites.ts";

const words = readFileSync("/proc/cmdline", "utf8");
const asked = /mayfly\.suites=(\S+)/.exec(words)?.[1]?.split(",") ?? [];
process.env.MAYFLY_TEST_SLOWNESS = /mayfly\.slowness=(\d+)/.exec(words)?.[1] ?? "1";
// There is no compiler here.
process.env.MAYFLY_TEST_PREBUILT = "1";

function runProgram(program: string, env: Record<string, string> = {}): Count {
  const { status, signal, stdout, stderr } = spawnSync(program, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  process.stdout.write(stdout + stderr);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(stdout) ?? [];
  const count = { passed: Number(passed ?? 0), failed: Number(failed ?? 0) };
  if (status === 0 || count.failed > 0) return count;
  console.log(`${program} ended with ${signal ?? status}`);
  return { ...count, failed: 1 };
}

function runSuite({ run }: VmSuite): Count {
  if ("program" in run) return runProgram(run.program, run.env);
  // Files in the order of the configuration; vitest's own filters are parts of paths.
  const filters = run.files.map((file) => file.replace("*.itest.ts", ""));
  return runVitest(["--config", "infra/vm/vitest.config.ts", "--no-color", ...filters]);
}

console.log(`vm: booted ${release()}`);
for (const suite of SUITES) {
  if (!asked.includes(suite.name)) continue;
  const { passed, failed } = runSuite(suite);
  console.log(`vm: count ${suite.name} ${passed} ${failed}`);
}
console.log("vm: done");
