/**
 * All checks and tests in one go: what `npm test` runs. Cheap ones first; every one runs even when an earlier one
 * failed. The very last line is `N passed, N failed`, the sum over everything.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Count, runVitest } from "./run-vitest.ts";
import { runVmTests } from "./vm/run-vm-tests.ts";

const bin = join(process.cwd(), "node_modules", ".bin");
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };

/** A check that passes or fails as a whole. */
function runOne(command: string, args: string[]): Count {
  const { status } = spawnSync(command, args, { stdio: "inherit", env });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** The C tests count themselves and say so on their last line. */
function runNative(): Count {
  const { status, stdout } = spawnSync("make", ["-s", "-C", "native", "test"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  // Only the last line of all may look like the result of all.
  process.stdout.write(stdout.replaceAll(/^(\d+ passed, \d+ failed)$/gm, "($1)"));
  const counts = [...stdout.matchAll(/^(\d+) passed, (\d+) failed$/gm)];
  const sum = counts.reduce<Count>(
    (total, [, passed, failed]) => ({
      passed: total.passed + Number(passed),
      failed: total.failed + Number(failed),
    }),
    { passed: 0, failed: 0 },
  );
  return (status === 0 && sum.passed > 0) || sum.failed > 0 ? sum : { ...sum, failed: sum.failed + 1 };
}

const CHECKS: [title: string, run: () => Count | Promise<Count>][] = [
  ["format and lint", () => runOne("biome", ["check", "--error-on-warnings", "."])],
  ["types", () => runOne("tsc", ["--noEmit"])],
  ["import walls", () => runOne("node", ["infra/check-import-walls.ts"])],
  ["native tests", runNative],
  ["unit and integration tests", () => runVitest([])],
  ["hostile suite", () => runVitest(["--config", "test/hostile/vitest.config.ts"])],
  ["observability", () => runVitest(["--config", "infra/observability/vitest.config.ts"])],
  ["on cgroup v2, in a VM", () => runVmTests([])],
  ["smoke", () => runOne("npm", ["run", "--silent", "smoke"])],
];

const results: (Count & { title: string })[] = [];
for (const [title, run] of CHECKS) {
  console.log(`\n== ${title}`);
  results.push({ title, ...(await run()) });
}

console.log("\n== result");
for (const { title, passed, failed } of results) {
  console.log(
    `${title.padEnd(28)} ${String(passed).padStart(5)} passed ${String(failed).padStart(5)} failed`,
  );
}
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);
