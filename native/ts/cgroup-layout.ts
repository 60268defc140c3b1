/**
 * Which cgroup hierarchies this machine has and where this process sits in them, from /proc/self/cgroup
 * (cgroups(7)) and /proc/self/mountinfo (proc(5)). Parsing only; cgroup-base.ts makes folders.
 */
import { readFileSync } from "node:fs";
import { MayflyError } from "../../contract/index.ts";

export type Controller = "cpu" | "memory" | "pids";
export const CONTROLLERS: readonly Controller[] = ["cpu", "memory", "pids"];

/** Used where they are there: on v1 by these names; on v2 blkio is called io. */
export type OptionalController = "blkio" | "hugetlb" | "rdma";
export const OPTIONAL_CONTROLLERS: readonly OptionalController[] = ["blkio", "hugetlb", "rdma"];

export interface CgroupLayout {
  /** `unified`: cgroup v2 with its controllers. `hybrid`: controllers on v1, the v2 tree for membership. */
  mode: "unified" | "hybrid";
  /** The folder of this process in the v2 tree. */
  unified: string;
  /** Hybrid: the folder of this process in each controller's v1 hierarchy. */
  v1: Record<Controller, string> | undefined;
  /** The same of those optional controllers that are on v1. */
  optional: Partial<Record<OptionalController, string>>;
}

interface Mount {
  root: string;
  point: string;
  type: string;
  options: string[];
}

const unescapeOctal = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function parseMounts(mountinfo: string): Mount[] {
  return mountinfo
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const [, , , root = "", point = ""] = before.split(" ");
      const [type = "", , options = ""] = after.split(" ");
      return { root: unescapeOctal(root), point: unescapeOctal(point), type, options: options.split(",") };
    })
    .filter((mount) => mount.type === "cgroup" || mount.type === "cgroup2");
}

/** Where `path`, as /proc/self/cgroup names it, is visible below the mount. */
function visiblePath(mount: Mount, path: string): string {
  const inside =
    mount.root === "/" ? path : `${path}/`.startsWith(`${mount.root}/`) ? path.slice(mount.root.length) : "/";
  return `${mount.point}${inside === "/" ? "" : inside}`;
}

export function parseCgroupLayout(
  selfCgroup: string,
  mountinfo: string,
  hasV2Controllers: boolean,
): CgroupLayout {
  const mounts = parseMounts(mountinfo);
  const memberships = selfCgroup
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [id = "", controllers = "", ...path] = line.split(":");
      return { id, controllers: controllers.split(","), path: path.join(":") };
    });
  const v2Mount = mounts.find((mount) => mount.type === "cgroup2");
  const v2 = memberships.find((membership) => membership.id === "0");
  if (v2Mount === undefined || v2 === undefined) {
    throw new MayflyError("HOST_UNSUITABLE", {
      message:
        "Cannot use control groups: no cgroup v2 tree is mounted. Boot with systemd.unified_cgroup_hierarchy=1, " +
        "or mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified",
    });
  }
  const unified = visiblePath(v2Mount, v2.path);
  if (hasV2Controllers) return { mode: "unified", unified, v1: undefined, optional: {} };

  const findV1Folder = (controller: string): string | undefined => {
    const membership = memberships.find((one) => one.controllers.includes(controller));
    const mount = mounts.find((one) => one.type === "cgroup" && one.options.includes(controller));
    return membership && mount && visiblePath(mount, membership.path);
  };
  const v1Folder = (controller: Controller): string => {
    const folder = findV1Folder(controller);
    if (folder !== undefined) return folder;
    throw new MayflyError("HOST_UNSUITABLE", {
      message: `Cannot limit sandboxes: the cgroup controller "${controller}" is neither on v2 nor on v1. Boot with cgroup_enable=${controller}`,
    });
  };
  const v1 = { cpu: v1Folder("cpu"), memory: v1Folder("memory"), pids: v1Folder("pids") };
  const optional: CgroupLayout["optional"] = {};
  const taken = new Set<string>(Object.values(v1));
  for (const controller of OPTIONAL_CONTROLLERS) {
    const folder = findV1Folder(controller);
    // Mounted together with another: its folder is ours already.
    if (folder !== undefined && !taken.has(folder)) optional[controller] = folder;
  }
  return { mode: "hybrid", unified, v1, optional };
}

/** Where the v2 tree is mounted, or undefined. */
function v2MountPoint(mountinfo: string): string | undefined {
  return parseMounts(mountinfo).find((mount) => mount.type === "cgroup2")?.point;
}

/** Of this process, now. Errors: HOST_UNSUITABLE, with the cure. */
export function readCgroupLayout(): CgroupLayout {
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const root = v2MountPoint(mountinfo);
  const available =
    root === undefined ? [] : readFileSync(`${root}/cgroup.controllers`, "utf8").trim().split(" ");
  return parseCgroupLayout(
    readFileSync("/proc/self/cgroup", "utf8"),
    mountinfo,
    CONTROLLERS.every((controller) => available.includes(controller)),
  );
}
