/**
 * libmayfly in the worker: the only koffi import outside the zygotes. Types and errors of each function stand in
 * native/include/mayfly.h; here each gets a TypeScript face. Structs are typed arrays of the same layout.
 */
import { fileURLToPath } from "node:url";
import koffi from "koffi";

export const NATIVE_BUILD_DIR = fileURLToPath(new URL("../build/", import.meta.url));

const library = koffi.load(`${NATIVE_BUILD_DIR}libmayfly.so`);

/** struct mf_cgroup: unified, cpu, memory, pids, blkio. */
export type CgroupFds = Int32Array;

export const native = {
  stepText: library.func("const char *mf_step_text(uint32_t)") as (step: number) => string | null,

  probe: library.func("int mf_probe(int)") as (feature: number) => number,
  probeCloneIntoCgroup: library.func("int mf_probe_clone_into_cgroup(int)") as (cgroupFd: number) => number,

  cgroupCreate: library.func("int mf_cgroup_create(int32_t *, const char *, int32_t *)") as (
    base: CgroupFds,
    name: string,
    ret: CgroupFds,
  ) => number,
  /** Devices: an array of struct mf_device, and how many. */
  cgroupLimit: library.func("int mf_cgroup_limit(int32_t *, uint64_t *, uint32_t *, uint32_t)") as (
    cgroup: CgroupFds,
    limits: BigUint64Array,
    devices: Uint32Array,
    deviceCount: number,
  ) => number,
  cgroupUsage: library.func("int mf_cgroup_usage(int32_t *, uint32_t *, uint32_t, uint64_t *)") as (
    cgroup: CgroupFds,
    devices: Uint32Array,
    deviceCount: number,
    ret: BigUint64Array,
  ) => number,
  cgroupKill: library.func("int mf_cgroup_kill(int32_t *)") as (cgroup: CgroupFds) => number,
  cgroupPopulated: library.func("int mf_cgroup_populated(int32_t *)") as (cgroup: CgroupFds) => number,
  cgroupRemove: library.func("int mf_cgroup_remove(int32_t *, const char *)") as (
    base: CgroupFds,
    name: string,
  ) => number,

  cgroupClaim: library.func("int mf_cgroup_claim(int)") as (folder: number) => number,
  cgroupIsMarked: library.func("int mf_cgroup_is_marked(int)") as (folder: number) => number,

  send: library.func("int mf_send(int, const void *, int32_t *, uint32_t)") as (
    socket: number,
    request: Uint8Array,
    fds: Int32Array,
    count: number,
  ) => number,
  socketpair: library.func("int mf_socketpair(int32_t *)") as (ret: Int32Array) => number,
  logPipe: library.func("int mf_log_pipe(int32_t *)") as (ret: Int32Array) => number,
  readAvailable: library.func("int mf_read_available(int, void *, uint32_t)") as (
    fd: number,
    buffer: Uint8Array,
    size: number,
  ) => number,
  gate: library.func("int mf_gate()") as () => number,
  pidfdOpen: library.func("int mf_pidfd_open(uint32_t)") as (pid: number) => number,
  bundleMount: library.func("int mf_bundle_mount(const char *)") as (folder: string) => number,
  volumeMount: library.func("int mf_volume_mount(const char *, int, int)") as (
    folder: string,
    userNamespace: number,
    readOnly: number,
  ) => number,
  mountPoints: library.func("int mf_mount_points(const char **, uint32_t, int32_t *)") as (
    names: string[],
    count: number,
    ret: Int32Array,
  ) => number,
  layersMount: library.func("int mf_layers_mount(const char **, uint32_t)") as (
    folders: string[],
    count: number,
  ) => number,
};
