/** Compiles the small C programs of programs/ into the scratch folder. Called by main.ts. */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCES = fileURLToPath(new URL("programs/", import.meta.url));
const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static"];
/** Where sandboxes mount something, ours and others'. */
const MOUNT_POINTS = ["dev", "proc", "sys", "tmp", "etc", "opt", "mnt", "var/task"];

export interface Programs {
  /** Loops clone3 without any layer of ours. */
  floor: string;
  /** Runs a command again and again and times it. */
  timedExec: string;
  /** A root filesystem in which /noop is all there is; it exits with NOOP_EXIT_CODE. */
  noopRoot: string;
}

/** Of programs/noop.c: nobody who did not run it reports this. */
export const NOOP_EXIT_CODE = 42;

const run = promisify(execFile);

/** Errors: the compiler's words. */
export async function compilePrograms(scratch: string): Promise<Programs> {
  const compile = async (name: string) => {
    const program = join(scratch, name);
    await run("cc", [...FLAGS, "-o", program, join(SOURCES, `${name}.c`)]);
    return program;
  };
  const [floor, timedExec, noop] = await Promise.all(["floor", "timed-exec", "noop"].map(compile));
  const noopRoot = join(scratch, "noop-root");
  for (const folder of MOUNT_POINTS) await mkdir(join(noopRoot, folder), { recursive: true });
  await copyFile(noop as string, join(noopRoot, "noop"));
  await chmod(join(noopRoot, "noop"), 0o755);
  return { floor: floor as string, timedExec: timedExec as string, noopRoot };
}
