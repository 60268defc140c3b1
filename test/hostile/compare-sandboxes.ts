/**
 * Runs probe/probe.c in other sandboxes and in Mayfly and prints a Markdown table: what each lets through. By hand:
 *
 *   node test/hostile/compare-sandboxes.ts > docs/comparison.md
 *
 * Needs Debian's packages bubblewrap and runc; runsc (gVisor) is taken where it is installed. A sandbox that this
 * machine cannot run says why in its column.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { functionLimits } from "../../contract/index.ts";
import { bundleFolder, openPool, removeFolder } from "../../pool/linux-pool.fixture.ts";

type Answers = Map<string, string>;

const scratch = mkdtempSync(join(tmpdir(), "mayfly-compare-"));
chmodSync(scratch, 0o755);
const probe = join(scratch, "rootfs/probe");
for (const folder of ["tmp", "proc", "dev"]) mkdirSync(join(scratch, "rootfs", folder), { recursive: true });
const source = new URL("probe/probe.c", import.meta.url).pathname;
execFileSync("cc", ["-std=gnu11", "-O1", "-static", "-o", probe, source]);

function parse(output: string): Answers {
  const lines = output.matchAll(/(\w+) (-?\d+) (\w+)\s*$/gm);
  return new Map(
    [...lines].map(([, name = "", result, error = ""]) => [name, Number(result) < 0 ? error : "**allowed**"]),
  );
}

/** What it says, or the reason why it does not run here. */
function answersOf(command: string, args: string[], cwd = scratch): Answers | string {
  const { stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 60_000 });
  if (error !== undefined)
    return `not run: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "not installed" : error.message}`;
  const answers = parse(stdout);
  return answers.size > 0 ? answers : `not run: ${stderr.trim().split("\n").at(-1)?.slice(0, 120)}`;
}

/** As its users run it: unprivileged. */
const bubblewrap = () =>
  answersOf("setpriv", [
    ...["--reuid", "65534", "--regid", "65534", "--clear-groups", "bwrap", "--unshare-all"],
    ...["--ro-bind", join(scratch, "rootfs"), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"],
    ...["--die-with-parent", "/probe", "all"],
  ]);

/** `runc spec` is what runc calls its default: no seccomp profile, which Docker and containerd add. */
function oci(command: string): Answers | string {
  const { error } = spawnSync(command, ["spec"], { cwd: scratch });
  if (error !== undefined) return "not run: not installed";
  const file = join(scratch, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.process.args = ["/probe", "all"];
  config.process.terminal = false;
  config.root = { path: "rootfs", readonly: false };
  writeFileSync(file, JSON.stringify(config));
  const answers = answersOf(command, ["run", `mayfly-compare-${process.pid}`]);
  rmSync(file);
  return answers;
}

async function mayfly(): Promise<Answers | string> {
  const folder = bundleFolder({
    "index.mjs": `import cp from "node:child_process";
      export const handler = () => cp.spawnSync("/var/task/probe", ["all"], { encoding: "utf8" }).stdout;`,
  });
  copyFileSync(probe, join(folder, "probe"));
  execFileSync("chmod", ["755", join(folder, "probe")]);
  const pool = await openPool("compare", 1);
  try {
    const limits = functionLimits.parse({});
    const sandbox = await pool.acquire("nodejs24", 10_000);
    await sandbox.prepare({ functionName: "probe", handler: "index.handler", limits, bundleFolder: folder });
    const outcome = await sandbox.run(
      {
        type: "event",
        invocationId: randomUUID(),
        deadlineMs: Date.now() + limits.timeoutMs,
      },
      Buffer.from("{}"),
      limits.timeoutMs,
    );
    await sandbox.destroy();
    return outcome.kind === "answer"
      ? parse(JSON.parse(outcome.body.toString()))
      : `not run: ${outcome.kind}`;
  } finally {
    await pool.close();
    removeFolder(folder);
  }
}

const columns: [string, Answers | string][] = [
  ["bubblewrap", bubblewrap()],
  ["runc", oci("runc")],
  ["gVisor", oci("runsc")],
  ["Mayfly", await mayfly()],
];
rmSync(scratch, { recursive: true });

const names = columns.flatMap(([, answers]) => (typeof answers === "string" ? [] : [...answers.keys()]));
const versionOf = (command: string) =>
  spawnSync(command, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "not installed";
console.log(`# What sandboxes let through

One program, [test/hostile/probe/probe.c](../test/hostile/probe/probe.c), run in each of them with its defaults:
\`bwrap --unshare-all\` of an unprivileged user, \`runc run\` with what \`runc spec\` writes (Docker and containerd add a seccomp profile to that),
\`runsc\` likewise, and a function in Mayfly. Each cell is the error that the call got, or that it was allowed. An error
other than from a filter may come from the kernel, after it looked: of the two, the filter shows less of the kernel.

Linux ${release().split("-")[0]}, ${versionOf("bwrap")}, ${versionOf("runc")}. Made by \`node test/hostile/compare-sandboxes.ts\`.

| call | ${columns.map(([name]) => name).join(" | ")} |
| --- |${" --- |".repeat(columns.length)}`);
for (const name of new Set(names)) {
  const cells = columns.map(([, answers]) =>
    typeof answers === "string" ? "-" : (answers.get(name) ?? "-"),
  );
  console.log(`| \`${name}\` | ${cells.join(" | ")} |`);
}
for (const [name, answers] of columns) if (typeof answers === "string") console.log(`\n${name}: ${answers}.`);
const totals = columns.map(([name, answers]) =>
  typeof answers === "string"
    ? []
    : `${name} ${[...answers.values()].filter((one) => one === "**allowed**").length}`,
);
console.log(`\nAllowed in all: ${totals.flat().join(", ")}, of ${new Set(names).size}.`);
