/**
 * Checks the walls of import-walls.cjs, and that there was something to check: a misspelt folder or a broken
 * resolver would otherwise pass with zero modules. `npm run check` and run-checks.ts call it.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

interface CruiseSummary {
  totalCruised: number;
  totalDependenciesCruised: number;
  violations: { from: string; to: string; rule: { name: string } }[];
}

/** Every one of these must exist and be looked at. */
const FOLDERS = [
  "contract",
  "telemetry",
  "gateway",
  "worker",
  "pool",
  "native/ts",
  "runtimes",
  "cli",
  "infra",
  "loadtest",
  "test",
];

function checkImportWalls(): string[] {
  const faults = FOLDERS.filter((folder) => !existsSync(folder)).map(
    (folder) => `${folder}: there is no such folder`,
  );
  const { summary, modules } = cruise(FOLDERS.filter((folder) => existsSync(folder)));
  for (const folder of FOLDERS) {
    if (!modules.some(({ source }) => source.startsWith(`${folder}/`)))
      faults.push(`${folder}: no module was looked at`);
  }
  if (summary.totalDependenciesCruised === 0) faults.push("no import was looked at");
  for (const { rule, from, to } of summary.violations)
    faults.push(`${from} must not import ${to} (${rule.name})`);
  console.log(`import walls: ${summary.totalCruised} modules, ${summary.totalDependenciesCruised} imports`);
  return faults;
}

function cruise(folders: string[]): { summary: CruiseSummary; modules: { source: string }[] } {
  const args = ["--config", "infra/import-walls.cjs", "--output-type", "json", ...folders];
  // depcruise exits with the number of violations; its JSON says which.
  try {
    return JSON.parse(run(args));
  } catch (cause) {
    const { stdout } = cause as { stdout?: string };
    if (!stdout) throw cause;
    return JSON.parse(stdout);
  }
}

function run(args: string[]): string {
  const maxBuffer = 64 * 1024 * 1024;
  return execFileSync(
    process.execPath,
    ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", ...args],
    {
      encoding: "utf8",
      maxBuffer,
    },
  );
}

const faults = checkImportWalls();
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
