/**
 * What the virtual machine boots: kernel, initramfs and disk, all in infra/vm/build. For run-vm-tests.ts. The kernel's
 * package is downloaded once; the others are made anew when what is in them has changed.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildDisk, LEFT_OUT, PROJECT_PARTS } from "./build-disk.ts";
import { buildInitramfs } from "./build-initramfs.ts";
import { runTool } from "./run-tool.ts";
import { unpackKernel } from "./unpack-kernel.ts";

export interface Image {
  kernel: string;
  initramfs: string;
  disk: string;
}

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, "../..");
const build = join(here, "build");

/** Errors name what is missing, with the cure. */
export function buildImage(): Image {
  mkdirSync(build, { recursive: true });
  const kernel = unpackKernel(build);
  prebuildTests();
  const initramfs = join(build, "initramfs.cpio");
  const disk = join(build, "disk.img");
  const stamp = join(build, "stamp");
  const state = stateOfProject(kernel.image);
  if (readIfThere(stamp) !== state) {
    console.log("building the virtual machine's disk");
    rmSync(stamp, { force: true });
    buildInitramfs(build, join(here, "initramfs-init.sh"), kernel.modules, initramfs);
    buildDisk(build, project, join(here, "vm-init.sh"), disk);
    writeFileSync(stamp, state);
  }
  return { kernel: kernel.image, initramfs, disk };
}

/** The machine has no compiler. */
function prebuildTests(): void {
  runTool("make", ["-s", "-C", join(project, "native"), "prebuild-tests"]);
}

/** A digest of the names, sizes and times of all files that go in; of node_modules its lock file stands for it. */
function stateOfProject(kernel: string): string {
  const excludes = LEFT_OUT.flatMap((path) => ["-path", path, "-prune", "-o"]);
  const files = runTool("find", [...PROJECT_PARTS, ...excludes, "-type", "f", "-printf", "%p %s %T@ %m\\n"], {
    cwd: project,
  });
  const lock = readFileSync(join(project, "node_modules/.package-lock.json"));
  return createHash("sha256").update(kernel).update(files).update(lock).digest("hex");
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
