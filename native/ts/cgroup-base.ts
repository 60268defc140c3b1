/**
 * The folder below which one worker keeps all its sandboxes' cgroups: `mayfly-<instance>`, in every hierarchy,
 * below the cgroup in which the service was started. Made by the worker at its start, removed at its end.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { MayflyError } from "../../contract/index.ts";
import { type BlockDevices, blockDevicesOf } from "./block-devices.ts";
import type { CgroupParent } from "./cgroup.ts";
import { claimFolder } from "./cgroup-claim.ts";
import { type CgroupLayout, CONTROLLERS, readCgroupLayout } from "./cgroup-layout.ts";
import { killAndWait, removeChildren, removeTree } from "./cgroup-tree.ts";
import { forbidResources } from "./forbid-resources.ts";
import type { CgroupFds } from "./library.ts";

/** As cgroup.subtree_control takes it. */
const ENABLE_CONTROLLERS = CONTROLLERS.map((controller) => `+${controller}`).join(" ");

/** Not every machine has these, and no sandbox needs them; a controller that is not there is left out. */
function enableOptional(folder: string, names: string[]): void {
  const available = readFileSync(`${folder}/cgroup.controllers`, "utf8").trim().split(" ");
  for (const name of names) {
    if (!available.includes(name)) continue;
    try {
      writeFileSync(`${folder}/cgroup.subtree_control`, `+${name}`);
    } catch {
      // Held back by whoever delegated this cgroup: CgroupBase.offers says what is missing.
    }
  }
}

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
  enableOptional(own, ["io", "hugetlb", "rdma"]);
}

/** Folders below which base folders lie: of their own for each sandbox, and those that all sandboxes share. */
export function baseParents(layout: CgroupLayout): { own: string[]; shared: string[] } {
  const { v1, optional } = layout;
  const unified = layout.mode === "unified" ? outsideLeaf(layout.unified) : layout.unified;
  const own = [unified, ...(v1 ? [v1.cpu, v1.memory, v1.pids, optional.blkio] : [])];
  const present = (folders: (string | undefined)[]) => folders.filter((folder) => folder !== undefined);
  return { own: present(own), shared: present([optional.hugetlb, optional.rdma]) };
}

/** Errors: CGROUP_FAILED when another worker of the instance lives. */
function claimAll(folders: string[], name: string): number[] {
  const claims: number[] = [];
  for (const folder of folders) {
    const claim = claimFolder(folder);
    if (claim === undefined) {
      for (const fd of claims) closeSync(fd);
      throw new Error(
        `a living worker has it (${folder}). Stop that one, or start this one with another MAYFLY_INSTANCE (not "${name}")`,
      );
    }
    claims.push(claim);
  }
  return claims;
}

/** Of what not every machine can do: what this one does. */
export interface CgroupOffers {
  /** Why sandboxes' use of disks is neither limited nor counted; undefined when it is, on `io.devices`. */
  ioFault: string | undefined;
  io: BlockDevices;
  /** What no sandbox can take; what is not here is not limited. */
  forbidden: ("hugetlb" | "rdma")[];
}

/** The kernel's files, in a base folder on v2 and in that of v1's blkio. */
const hasIoController = (unified: string, blkio: string | undefined) =>
  blkio !== undefined || readFileSync(`${unified}/cgroup.subtree_control`, "utf8").split(/\s/).includes("io");

function offersOf(io: BlockDevices, hasIo: boolean, forbidden: CgroupOffers["forbidden"]): CgroupOffers {
  const where = io.missing.join("; ");
  const ioFault = hasIo
    ? io.devices.length === 0
      ? where
      : undefined
    : "the cgroup controller io (blkio on v1) is not available to Mayfly";
  return { ioFault, io, forbidden: [...new Set(forbidden)] };
}

export class CgroupBase implements CgroupParent {
  readonly layout: CgroupLayout;
  readonly offers: CgroupOffers;
  readonly fds: CgroupFds;
  readonly sharedFds: number[];
  readonly devices: Uint32Array;
  readonly #folders: string[];
  readonly #claims: number[];

  private constructor(
    layout: CgroupLayout,
    offers: CgroupOffers,
    folders: string[],
    claims: number[],
    fds: CgroupFds,
    sharedFds: number[],
  ) {
    this.layout = layout;
    this.offers = offers;
    this.#folders = folders;
    this.#claims = claims;
    this.fds = fds;
    this.sharedFds = sharedFds;
    const devices = offers.ioFault === undefined ? offers.io.devices : [];
    this.devices = Uint32Array.from(devices.flatMap((device) => device.split(":").map(Number)));
  }

  /**
   * Finds, and empties, what an earlier worker of the same instance left. `diskFolders`: where sandboxes read and
   * write; the disks behind them are those whose use is counted and limited. Errors: HOST_UNSUITABLE, CGROUP_FAILED.
   */
  static open(instance: string, diskFolders: string[] = []): CgroupBase {
    const layout = readCgroupLayout();
    const name = `mayfly-${instance}`;
    const parents = baseParents(layout);
    const own = parents.own.map((parent) => `${parent}/${name}`);
    const shared = parents.shared.map((parent) => `${parent}/${name}`);
    const folders = [...own, ...shared];
    let claims: number[] = [];
    let forbidden: CgroupOffers["forbidden"] = [];
    if (layout.mode === "unified") delegateControllers(parents.own[0] as string);
    try {
      const unified = folders[0] as string;
      for (const folder of folders) mkdirSync(folder, { recursive: true });
      claims = claimAll(folders, instance);
      killAndWait(unified);
      for (const folder of folders) removeChildren(folder);
      if (layout.mode === "unified") {
        writeFileSync(`${unified}/cgroup.subtree_control`, ENABLE_CONTROLLERS);
      }
      enableOptional(unified, ["io"]);
      forbidden = [unified, ...shared].flatMap(forbidResources);
    } catch (cause) {
      throw new MayflyError("CGROUP_FAILED", {
        message: `Cannot prepare the cgroup ${name}: ${cause instanceof Error ? cause.message : cause}`,
        cause,
      });
    }
    const fds = new Int32Array(5).fill(-1);
    own.forEach((folder, index) => {
      fds[index] = openSync(folder, "r");
    });
    const sharedFds = shared.map((folder) => openSync(folder, "r"));
    const hasIo = hasIoController(own[0] as string, layout.optional.blkio);
    const offers = offersOf(blockDevicesOf(diskFolders), hasIo, forbidden);
    return new CgroupBase(layout, offers, folders, claims, fds, sharedFds);
  }

  /** Of all below, those that are gone included in the CPU time. It is counted in the v2 tree on hybrid machines too. */
  usage(): { cpuUs: number; memoryBytes: number } {
    const [unified = "", , v1Memory] = this.#folders;
    const stat = readFileSync(`${unified}/cpu.stat`, "utf8");
    const memoryFile =
      this.layout.mode === "unified" ? `${unified}/memory.current` : `${v1Memory}/memory.usage_in_bytes`;
    return {
      cpuUs: Number(/^usage_usec (\d+)/m.exec(stat)?.[1] ?? 0),
      memoryBytes: Number(readFileSync(memoryFile, "utf8")),
    };
  }

  /** Removes the base folders; the sandboxes must be gone. */
  close(): void {
    for (const fd of this.fds) if (fd >= 0) closeSync(fd);
    for (const fd of this.sharedFds.splice(0)) closeSync(fd);
    this.fds.fill(-1);
    for (const folder of this.#folders) removeTree(folder);
    for (const fd of this.#claims.splice(0)) closeSync(fd);
  }
}
