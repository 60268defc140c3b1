/** The archive that the kernel starts from: busybox, the disk's driver, initramfs-init.sh. For build-image.ts. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { pathOf, runTool } from "./run-tool.ts";

/**
 * `overlay` is for layers and writable roots, `veth` and the others for networks of sandboxes. What a kernel has
 * built in has no file.
 */
const MODULES =
  /\/(virtio|virtio_ring|virtio_pci\w*|virtio_blk|overlay|veth|nf_tables|nf_conntrack|nf_defrag_ipv[46]|nf_nat|nfnetlink|nf_reject_ipv[46]|nft_(masq|nat|chain_nat|ct|reject|reject_ipv[46]|reject_inet|limit|counter)|libcrc32c|crc32c_generic)\.ko$/;

export function buildInitramfs(build: string, init: string, modules: string, file: string): void {
  const root = mkdtempSync(join(build, "initramfs-"));
  try {
    for (const folder of ["bin", "proc", "dev", "disk", "modules"]) mkdirSync(join(root, folder));
    copyFileSync(pathOf("busybox"), join(root, "bin/busybox"));
    symlinkSync("busybox", join(root, "bin/sh"));
    copyFileSync(init, join(root, "init"));
    chmodSync(join(root, "init"), 0o755);
    const found = runTool("find", [modules, "-name", "*.ko"]).toString().split("\n");
    const wanted = found.filter((path) => MODULES.test(path));
    for (const path of wanted) copyFileSync(path, join(root, "modules", basename(path)));
    const names = runTool("find", ["."], { cwd: root });
    runTool("cpio", ["--quiet", "-o", "-H", "newc", "-F", file], { cwd: root, input: names });
  } finally {
    rmSync(root, { recursive: true });
  }
}
