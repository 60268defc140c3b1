/**
 * The folder below which one worker keeps all its sandboxes' cgroups: `mayfly-<instance>`, in every hierarchy,
 * below the cgroup in which the service was started. Made by the worker at its start, removed at its end.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { MayflyError } from "../../contract/index.ts";
import { type CgroupLayout, CONTROLLERS, readCgroupLayout } from "./cgroup-layout.ts";
import type { CgroupFds } from "./library.ts";

/** As cgroup.subtree_control takes it. */
const ENABLE_CONTROLLERS = CONTROLLERS.map((controller) => `+${controller}`).join(" ");

/** Where the service's own processes go on cgroup v2. */
const LEAF = "mayfly-service";

/** A process that an earlier base moved into the leaf, and what it started, belong beside their siblings. */
const outsideLeaf = (folder: string) => (basename(folder) === LEAF ? dirname(folder) : folder);

/**
 * cgroup v2 forbids processes in a cgroup that hands controllers to its children ("no internal processes",
 * cgroup-v2.rst), so the service first moves into a leaf beside the sandboxes: everything in its cgroup, which
 * infra/in-own-cgroup.sh made for it. The root cgroup is exempt.
 */
function delegateControllers(own: string): void {
  const isRoot = !existsSync(`${own}/cgroup.type`);
  if (!isRoot) {
    mkdirSync(`${own}/${LEAF}`, { recursive: true });
    for (const pid of readFileSync(`${own}/cgroup.procs`, "utf8").trim().split("\n")) {
      if (pid !== "") writeFileSync(`${own}/${LEAF}/cgroup.procs`, pid);
    }
  }
  try {
    writeFileSync(`${own}/cgroup.subtree_control`, ENABLE_CONTROLLERS);
  } catch (cause) {
    throw new MayflyError("HOST_UNSUITABLE", {
      message:
        `Cannot hand the controllers ${ENABLE_CONTROLLERS} to sandboxes below ${own}. Start Mayfly in a cgroup of its own: ` +
        "systemd-run --scope -p Delegate=yes npm start",
      cause,
    });
  }
}

const KILL_WAIT_MS = 5_000;

/** Ends what a worker that crashed left running. Blocks, at the worker's start only. */
function killAndWait(folder: string): void {
  writeFileSync(`${folder}/cgroup.kill`, "1");
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const deadline = Date.now() + KILL_WAIT_MS;
  while (readFileSync(`${folder}/cgroup.events`, "utf8").includes("populated 1") && Date.now() < deadline) {
    Atomics.wait(clock, 0, 0, 5);
  }
}

/** Removes empty cgroups, deepest first. Something that is in use stays and is reported by the next mkdir or rmdir. */
function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(`${folder}/${entry.name}`);
  }
  rmdirSync(folder);
}

export class CgroupBase {
  readonly layout: CgroupLayout;
  /** Descriptors of the base folders, as Cgroup.create() takes them. */
  readonly fds: CgroupFds;
  readonly #folders: string[];

  private constructor(layout: CgroupLayout, folders: string[], fds: CgroupFds) {
    this.layout = layout;
    this.#folders = folders;
    this.fds = fds;
  }

  /** Finds, and empties, what an earlier worker of the same instance left. Errors: HOST_UNSUITABLE, CGROUP_FAILED. */
  static open(instance: string): CgroupBase {
    const layout = readCgroupLayout();
    const name = `mayfly-${instance}`;
    const unifiedParent = layout.mode === "unified" ? outsideLeaf(layout.unified) : layout.unified;
    const parents =
      layout.v1 === undefined
        ? [unifiedParent]
        : [layout.unified, layout.v1.cpu, layout.v1.memory, layout.v1.pids];
    const folders = parents.map((parent) => `${parent}/${name}`);
    if (layout.mode === "unified") delegateControllers(unifiedParent);
    try {
      const unified = folders[0] as string;
      if (existsSync(unified)) killAndWait(unified);
      for (const folder of folders) removeTree(folder);
      for (const folder of folders) mkdirSync(folder);
      if (layout.mode === "unified") {
        writeFileSync(`${unified}/cgroup.subtree_control`, ENABLE_CONTROLLERS);
      }
    } catch (cause) {
      throw new MayflyError("CGROUP_FAILED", {
        message: `Cannot prepare the cgroup ${name}: ${cause instanceof Error ? cause.message : cause}`,
        cause,
      });
    }
    const fds = new Int32Array(4).fill(-1);
    folders.forEach((folder, index) => {
      fds[index] = openSync(folder, "r");
    });
    return new CgroupBase(layout, folders, fds);
  }

  /** Removes the base folders; the sandboxes must be gone. */
  close(): void {
    for (const fd of this.fds) if (fd >= 0) closeSync(fd);
    this.fds.fill(-1);
    for (const folder of this.#folders) removeTree(folder);
  }
}
