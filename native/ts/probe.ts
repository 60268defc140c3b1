/** What this machine offers, each thing with its cure. For `mayfly doctor`, and for the worker before it starts. */
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync } from "node:fs";
import { MayflyError } from "../../contract/index.ts";
import { blockDevicesOf } from "./block-devices.ts";
import { readCgroupLayout } from "./cgroup-layout.ts";
import { native } from "./library.ts";
import { errnoText } from "./native-error.ts";

export interface Finding {
  name: string;
  ok: boolean;
  /** What was found, or what failed. */
  detail: string;
  /** What to do; only when it failed. */
  cure?: string;
  /** Mayfly runs without it too. */
  optional?: true;
}

/** enum of native/include/mayfly.h, in its order. */
const FEATURES = [
  {
    name: "clone3",
    cure: "boot Linux 5.14 or newer; inside a container, allow clone3 in its seccomp profile",
  },
  { name: "pidfd_open", cure: "boot Linux 5.14 or newer" },
  { name: "new mount API", cure: "boot Linux 5.14 or newer, and run Mayfly as root" },
  { name: "close_range", cure: "boot Linux 5.14 or newer" },
  { name: "namespaces", cure: "run Mayfly as root, and raise user.max_*_namespaces if they are 0" },
  {
    name: "user namespaces",
    cure: "set user.max_user_namespaces above 0 (sysctl), and CONFIG_USER_NS in the kernel",
  },
] as const;

function probeFeature(feature: number, { name, cure }: (typeof FEATURES)[number]): Finding {
  const result = native.probe(feature);
  return result === 0
    ? { name, ok: true, detail: "works" }
    : { name, ok: false, detail: errnoText(result), cure };
}

function probeCgroups(): Finding[] {
  const name = "control groups";
  try {
    const { mode, unified } = readCgroupLayout();
    const detail =
      mode === "unified" ? "v2 with cpu, memory and pids" : "hybrid: controllers on v1, membership on v2";
    return [{ name, ok: true, detail }, probeCloneIntoCgroup(unified)];
  } catch (error) {
    if (!(error instanceof MayflyError)) throw error;
    return [{ name, ok: false, detail: "not usable", cure: error.message }];
  }
}

/** Needs a cgroup of its own, for a moment. */
function probeCloneIntoCgroup(unified: string): Finding {
  const name = "clone into a cgroup";
  const folder = `${unified}/mayfly-probe-${process.pid}`;
  try {
    mkdirSync(folder);
    const fd = openSync(folder, "r");
    try {
      const result = native.probeCloneIntoCgroup(fd);
      if (result === 0) return { name, ok: true, detail: "works" };
      return { name, ok: false, detail: errnoText(result), cure: "boot Linux 5.14 or newer" };
    } finally {
      closeSync(fd);
      rmdirSync(folder);
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, ok: false, detail, cure: "run Mayfly as root, where the cgroup tree is mounted writable" };
  }
}

/** Whether `ioMbps` and `iops` have an effect on what lies in the folders. */
function probeIo(folders: string[]): Finding {
  const name = "io limits";
  const optional = true;
  const { devices, missing } = blockDevicesOf(folders);
  const detail = missing.join("; ");
  if (devices.length === 0) {
    return { name, ok: false, optional, detail, cure: "keep the data folder on a disk's file system" };
  }
  const { mode, unified, optional: v1 } = readCgroupLayout();
  const controllers = readFileSync(`${unified}/cgroup.controllers`, "utf8").trim().split(" ");
  if (v1.blkio === undefined && !controllers.includes("io")) {
    const cure = mode === "unified" ? "delegate the controller io to this cgroup" : "mount blkio, or use v2";
    return { name, ok: false, optional, detail: "no cgroup controller io or blkio", cure };
  }
  const where = `${v1.blkio === undefined ? "io.max" : "v1 blkio"} on ${devices.join(", ")}`;
  return { name, ok: true, detail: detail === "" ? where : `${where}, but ${detail}` };
}

/** Tries everything for real; takes some milliseconds and leaves nothing. `diskFolders`: for io limits. */
export function probeMachine(diskFolders: string[] = []): Finding[] {
  const findings = [...FEATURES.map((feature, number) => probeFeature(number, feature)), ...probeCgroups()];
  if (diskFolders.length === 0 || findings.some(({ ok }) => !ok)) return findings;
  return [...findings, probeIo(diskFolders)];
}

/** Errors: HOST_UNSUITABLE with every cure. */
export function requireSuitableMachine(): void {
  const failed = probeMachine().filter((finding) => !finding.ok);
  if (failed.length === 0) return;
  const faults = failed.map(({ name, detail, cure }) => `${name}: ${detail} (${cure})`);
  throw new MayflyError("HOST_UNSUITABLE", {
    message: `This machine cannot run sandboxes: ${faults.join("; ")}`,
  });
}
