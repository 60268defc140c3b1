import { describe, expect, it } from "vitest";
import { parseCgroupLayout } from "./cgroup-layout.ts";

const V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
const HYBRID_MOUNTS = [
  "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
  "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
  "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
  "34 30 0:30 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
].join("\n");
const HYBRID_SELF = "4:pids:/docker/abc/inner\n3:memory:/session\n2:cpu,cpuacct:/\n0::/user:1\n";

describe("the cgroup layout", () => {
  it("is unified where the v2 tree has the controllers", () => {
    expect(parseCgroupLayout("0::/system.slice/mayfly.service\n", V2_MOUNT, true)).toEqual({
      mode: "unified",
      unified: "/sys/fs/cgroup/system.slice/mayfly.service",
      v1: undefined,
      optional: {},
    });
  });

  it("is hybrid where they are on v1, co-mounted and bind-mounted hierarchies included", () => {
    expect(parseCgroupLayout(HYBRID_SELF, HYBRID_MOUNTS, false)).toEqual({
      mode: "hybrid",
      unified: "/sys/fs/cgroup/unified/user:1",
      v1: {
        cpu: "/sys/fs/cgroup/cpu,cpuacct",
        memory: "/sys/fs/cgroup/memory/session",
        pids: "/sys/fs/cgroup/pids/inner",
      },
      optional: {},
    });
  });

  it("finds the optional controllers that are on v1 hierarchies of their own", () => {
    const mounts = `${HYBRID_MOUNTS}\n35 30 0:31 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio`;
    const self = `6:hugetlb:/\n5:blkio:/inner\n${HYBRID_SELF}`;
    expect(parseCgroupLayout(self, mounts, false).optional).toEqual({ blkio: "/sys/fs/cgroup/blkio/inner" });
  });

  it("reads escaped mount points", () => {
    const mounts = V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/c\\040group");
    expect(parseCgroupLayout("0::/\n", mounts, true).unified).toBe("/sys/fs/c group");
  });

  it("says how to get a v2 tree where there is none", () => {
    expect(() => parseCgroupLayout("2:cpu:/\n", "", false)).toThrow("mount -t cgroup2");
  });

  it("names the controller that is nowhere", () => {
    const withoutPids = HYBRID_MOUNTS.split("\n").slice(0, 3).join("\n");
    expect(() => parseCgroupLayout(HYBRID_SELF, withoutPids, false)).toThrow(
      '"pids" is neither on v2 nor on v1',
    );
  });
});
