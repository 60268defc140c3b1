/**
 * crun, runc and runsc: a bundle with what `<tool> spec` writes, changed only in the command and the root. For noop.ts
 * and hello.ts.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "./context.ts";
import type { Scope } from "./scope.ts";
import { type Expected, timedCommand } from "./timed-command.ts";

const run = promisify(execFile);

export type OciTool = "crun" | "runc" | "runsc";
export const OCI_TOOLS: readonly OciTool[] = ["crun", "runc", "runsc"];

/** gVisor's own network stack wants a network namespace that somebody configured. */
const OPTIONS: Record<OciTool, string[]> = { crun: [], runc: [], runsc: ["--network=none"] };

export interface OciContainer {
  /** Becomes `/`, read-only. */
  root: string;
  args: string[];
  /** Mounted read-only at /var/task. */
  task?: string;
  expected: Expected;
}

/** A contender's open(): the containers are made and removed by `<tool> run`, one after the other. */
export async function openOci(
  bench: Bench,
  scope: Scope,
  suite: string,
  tool: OciTool,
  container: OciContainer,
): Promise<() => Promise<number>> {
  const id = `mayfly-${bench.instance}-${suite}-${tool}`;
  const bundle = join(bench.scratch, id);
  const command = [tool, "--root", `${bundle}/state`, ...OPTIONS[tool]];
  await mkdir(`${bundle}/state`, { recursive: true });
  await run(tool, ["spec"], { cwd: bundle }).catch((error) => {
    throw error.code === "ENOENT" ? new Error("not installed") : error;
  });
  await configure(join(bundle, "config.json"), container);
  /* After the coprocess has ended, which is deferred later: a container that Ctrl-C cut off. */
  await scope.defer(() => remove(command, id));
  return timedCommand(scope, bench.programs, [...command, "run", "--bundle", bundle, id], container.expected);
}

async function configure(file: string, { root, args, task }: OciContainer): Promise<void> {
  const config = JSON.parse(await readFile(file, "utf8"));
  config.process.args = args;
  config.process.terminal = false;
  config.root = { path: root, readonly: true };
  if (task !== undefined) {
    const options = ["rbind", "ro"];
    config.mounts.push({ destination: "/var/task", type: "bind", source: task, options });
  }
  await writeFile(file, JSON.stringify(config));
}

/** Nothing to do when the last run came to its end. */
async function remove(command: string[], id: string): Promise<void> {
  const [tool = "", ...options] = command;
  await run(tool, [...options, "delete", "--force", id]).catch(() => {});
  const hierarchies = await readdir("/sys/fs/cgroup").catch(() => []);
  for (const hierarchy of ["", ...hierarchies])
    await rmdir(join("/sys/fs/cgroup", hierarchy, id)).catch(() => {});
}
