/** Runs the programs that build the image; a missing one is named with the Debian package that brings it. */
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";

const PACKAGES: Record<string, string> = {
  "apt-get": "apt",
  "apt-cache": "apt",
  busybox: "busybox-static",
  cc: "gcc",
  cpio: "cpio",
  dpkg: "dpkg",
  find: "findutils",
  du: "coreutils",
  ldd: "libc-bin",
  make: "make",
  mke2fs: "e2fsprogs",
  tar: "tar",
};

/** Its stdout; its stderr is part of the error when it fails. */
export function runTool(
  command: string,
  args: string[],
  options: { cwd?: string; input?: Buffer } = {},
): Buffer {
  try {
    return execFileSync(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"], maxBuffer: 2 ** 31 });
  } catch (cause) {
    const { code, stderr } = cause as { code?: string; stderr?: Buffer };
    if (code === "ENOENT")
      throw new Error(`${command} is missing: apt-get install ${PACKAGES[command]}`, { cause });
    throw new Error(`${command} ${args[0] ?? ""} failed: ${stderr?.toString().trim()}`, { cause });
  }
}

/** The file behind a command's name. */
export function pathOf(command: string): string {
  for (const folder of (process.env.PATH ?? "").split(":").concat("/usr/sbin", "/sbin")) {
    try {
      return realpathSync(`${folder}/${command}`);
    } catch {
      // not there
    }
  }
  throw new Error(`${command} is missing: apt-get install ${PACKAGES[command]}`);
}
