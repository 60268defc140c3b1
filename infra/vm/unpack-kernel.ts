/** Debian's kernel for virtual machines, which has ext4 and all controllers built in. For build-image.ts. */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "./run-tool.ts";

const META_PACKAGE = "linux-image-cloud-amd64";

export interface Kernel {
  image: string;
  /** The folder below which its modules lie. */
  modules: string;
}

/** Downloads the package and unpacks it below `build`, once: the machine's own kernel is not touched. */
export function unpackKernel(build: string): Kernel {
  const folder = join(build, "kernel");
  if (!existsSync(folder)) download(build, folder);
  const boot = join(folder, "boot");
  const name = readdirSync(boot).find((entry) => entry.startsWith("vmlinuz-"));
  if (name === undefined) throw new Error(`there is no kernel in ${boot}: remove ${folder} and try again`);
  return { image: join(boot, name), modules: join(folder, "lib/modules") };
}

function download(build: string, folder: string): void {
  let name = packageName();
  if (name === undefined) {
    // A fresh container has no package lists yet.
    runTool("apt-get", ["-qq", "update"]);
    name = packageName();
  }
  if (name === undefined)
    throw new Error(`apt-cache knows no ${META_PACKAGE}: add Debian's main archive to apt's sources`);
  // A folder that two runs at once do not share, and that is renamed when it is whole.
  const scratch = mkdtempSync(join(build, "kernel-"));
  try {
    runTool("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", name], { cwd: scratch });
    const file = readdirSync(scratch).find((entry) => entry.endsWith(".deb")) ?? "";
    runTool("dpkg", ["-x", join(scratch, file), join(scratch, "unpacked")]);
    renameSync(join(scratch, "unpacked"), folder);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The package that the newest version's meta package stands for. */
function packageName(): string | undefined {
  const depends = runTool("apt-cache", ["depends", META_PACKAGE]).toString();
  return /Depends: (linux-image-\S+-cloud-amd64)/.exec(depends)?.[1];
}
