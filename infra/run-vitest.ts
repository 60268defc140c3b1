/** Runs vitest and counts. For run-checks.ts and the suites that run alone. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Count {
  passed: number;
  failed: number;
}

/** `options`: further words for `vitest run`. Its report goes to the terminal. */
export function runVitest(options: string[]): Count {
  const scratch = mkdtempSync(join(tmpdir(), "mayfly-vitest-"));
  const report = join(scratch, "report.json");
  const args = ["run", ...options, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const bin = join(process.cwd(), "node_modules", ".bin");
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  try {
    const { status } = spawnSync("vitest", args, { stdio: "inherit", env });
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
    // A file that cannot be loaded has no failed test, and still fails.
    return { passed: numPassedTests, failed: status !== 0 && numFailedTests === 0 ? 1 : numFailedTests };
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
