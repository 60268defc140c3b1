/** One sandbox's control group: created before its processes, removed after them. Used by pool/linux-sandbox.ts. */
import { closeSync, readFileSync, writeFileSync } from "node:fs";
import { type CgroupFds, native } from "./library.ts";
import { check } from "./native-error.ts";

export interface CgroupLimits {
  /** Cores. */
  cpu: number;
  memoryBytes: number;
  /** Processes and threads. */
  pids: number;
  /** A second, read and written each, of each device. */
  ioBytes?: number | undefined;
  ioOperations?: number | undefined;
}

/** What a cgroup is made below: CgroupBase, which is one. */
export interface CgroupParent {
  /** The folder of all sandboxes, in each hierarchy. */
  fds: CgroupFds;
  /** v1 folders above all sandboxes that have none of their own; their processes join these. */
  sharedFds: number[];
  /** Block devices whose use is counted and can be limited, as pairs of numbers (struct mf_device). */
  devices: Uint32Array;
}

/** Counters; they only grow. */
export interface CgroupUsage {
  cpuUs: number;
  throttledUs: number;
  memoryPeakBytes: number;
  oomKills: number;
  pidsLimitHits: number;
  /** Of the machine's disks; what came from memory is not counted. All 0 where no controller counts. */
  ioReadBytes: number;
  ioWrittenBytes: number;
  ioReads: number;
  ioWrites: number;
}

/** The kernel's default period; quotas below 1 ms in it are refused, hence LIMITS.cpuMin. */
const CPU_PERIOD_US = 100_000;
/** Of cpu.weight: what a cgroup of one core has without being told. */
const WEIGHT_PER_CORE = 100;

export class Cgroup {
  readonly name: string;
  readonly #parent: CgroupParent;
  readonly #fds: CgroupFds = new Int32Array(5).fill(-1);

  private constructor(parent: CgroupParent, name: string) {
    this.#parent = parent;
    this.name = name;
  }

  /** Errors: CGROUP_FAILED. */
  static create(parent: CgroupParent, name: string): Cgroup {
    const cgroup = new Cgroup(parent, name);
    const result = native.cgroupCreate(parent.fds, name, cgroup.#fds);
    check("CGROUP_FAILED", `Cannot create cgroup ${name}`, result);
    return cgroup;
  }

  /** The descriptors that join the cgroup, the unified one first, as MF_OP_* requests carry them. */
  get fds(): number[] {
    return [...this.#ownFds, ...this.#parent.sharedFds];
  }

  get #ownFds(): number[] {
    return [...this.#fds].filter((fd) => fd >= 0);
  }

  limit(limits: CgroupLimits): void {
    const quotaUs = Math.max(1000, Math.round(limits.cpu * CPU_PERIOD_US));
    const weight = Math.max(1, Math.round(limits.cpu * WEIGHT_PER_CORE));
    const values = BigUint64Array.of(
      BigInt(quotaUs),
      BigInt(CPU_PERIOD_US),
      BigInt(limits.memoryBytes),
      BigInt(limits.pids),
      BigInt(weight),
      BigInt(limits.ioBytes ?? 0),
      BigInt(limits.ioOperations ?? 0),
    );
    const { devices } = this.#parent;
    const result = native.cgroupLimit(this.#fds, values, devices, devices.length / 2);
    check("CGROUP_FAILED", `Cannot limit cgroup ${this.name}`, result);
  }

  usage(): CgroupUsage {
    const values = new BigUint64Array(9);
    const { devices } = this.#parent;
    const result = native.cgroupUsage(this.#fds, devices, devices.length / 2, values);
    check("CGROUP_FAILED", `Cannot read cgroup ${this.name}`, result);
    const value = (index: number) => Number(values[index]);
    return {
      cpuUs: value(0),
      throttledUs: value(1),
      memoryPeakBytes: value(2),
      oomKills: value(3),
      pidsLimitHits: value(4),
      ioReadBytes: value(5),
      ioWrittenBytes: value(6),
      ioReads: value(7),
      ioWrites: value(8),
    };
  }

  /** Stops everything in it, in a moment; the kernel says so in cgroup.events. kill() works on what is frozen. */
  freeze(): void {
    writeFileSync(this.#path("cgroup.freeze"), "1");
  }

  thaw(): void {
    writeFileSync(this.#path("cgroup.freeze"), "0");
  }

  isFrozen(): boolean {
    return readFileSync(this.#path("cgroup.events"), "utf8").includes("frozen 1");
  }

  /** The pids on the host of what is in it. */
  pids(): number[] {
    return readFileSync(this.#path("cgroup.procs"), "utf8").trim().split("\n").filter(Boolean).map(Number);
  }

  /** Membership, freezing and killing are the v2 tree's, on hybrid machines too. */
  #path(file: string): string {
    return `/proc/self/fd/${this.#fds[0]}/${file}`;
  }

  /** SIGKILL to everything in it; returns before they are gone. */
  kill(): void {
    check("CGROUP_FAILED", `Cannot kill cgroup ${this.name}`, native.cgroupKill(this.#fds));
  }

  /** Once true it stays true, unless somebody is still being forked into it. */
  isEmpty(): boolean {
    return check("CGROUP_FAILED", `Cannot read cgroup ${this.name}`, native.cgroupPopulated(this.#fds)) === 0;
  }

  /** False while something is left in it: call again. */
  remove(): boolean {
    const result = native.cgroupRemove(this.#parent.fds, this.name);
    if (result === -16 /* EBUSY */) return false;
    check("CGROUP_FAILED", `Cannot remove cgroup ${this.name}`, result);
    for (const fd of this.#ownFds) closeSync(fd);
    this.#fds.fill(-1);
    return true;
  }
}
