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
}

/** Counters; they only grow. */
export interface CgroupUsage {
  cpuUs: number;
  throttledUs: number;
  memoryPeakBytes: number;
  oomKills: number;
  pidsLimitHits: number;
}

/** The kernel's default period; quotas below 1 ms in it are refused, hence LIMITS.cpuMin. */
const CPU_PERIOD_US = 100_000;

export class Cgroup {
  readonly name: string;
  readonly #base: CgroupFds;
  readonly #fds: CgroupFds = new Int32Array(4).fill(-1);

  private constructor(base: CgroupFds, name: string) {
    this.#base = base;
    this.name = name;
  }

  /** `base`: the folder of all sandboxes, in each hierarchy (cgroup-base.ts). Errors: CGROUP_FAILED. */
  static create(base: CgroupFds, name: string): Cgroup {
    const cgroup = new Cgroup(base, name);
    check("CGROUP_FAILED", `Cannot create cgroup ${name}`, native.cgroupCreate(base, name, cgroup.#fds));
    return cgroup;
  }

  /** The descriptors that join the cgroup, the unified one first, as MF_OP_* requests carry them. */
  get fds(): number[] {
    return [...this.#fds].filter((fd) => fd >= 0);
  }

  limit(limits: CgroupLimits): void {
    const quotaUs = Math.max(1000, Math.round(limits.cpu * CPU_PERIOD_US));
    const values = BigUint64Array.of(
      BigInt(quotaUs),
      BigInt(CPU_PERIOD_US),
      BigInt(limits.memoryBytes),
      BigInt(limits.pids),
    );
    check("CGROUP_FAILED", `Cannot limit cgroup ${this.name}`, native.cgroupLimit(this.#fds, values));
  }

  usage(): CgroupUsage {
    const values = new BigUint64Array(5);
    check("CGROUP_FAILED", `Cannot read cgroup ${this.name}`, native.cgroupUsage(this.#fds, values));
    const [cpuUs, throttledUs, memoryPeakBytes, oomKills, pidsLimitHits] = Array.from(values, Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { cpuUs, throttledUs, memoryPeakBytes, oomKills, pidsLimitHits };
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
    const result = native.cgroupRemove(this.#base, this.name);
    if (result === -16 /* EBUSY */) return false;
    check("CGROUP_FAILED", `Cannot remove cgroup ${this.name}`, result);
    for (const fd of this.fds) closeSync(fd);
    this.#fds.fill(-1);
    return true;
  }
}
