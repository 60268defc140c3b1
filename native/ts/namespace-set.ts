/** A namespace set, held by its PID 1. Made by Spawner.createSet(), ended by killing its cgroup. */
import { constants } from "node:os";
import { closeFds } from "./descriptors.ts";
import { native } from "./library.ts";
import { check } from "./native-error.ts";

/** How the set's main process ended: exactly one is set, or none when the set was killed before it ended. */
export interface MainEnd {
  exitCode?: number;
  signal?: string;
}

/** What a process needs to enter a set; the descriptors stay the caller's. */
export interface JoinFds {
  control: number;
  log: number;
  cgroup: number[];
}

/** What the spawner lends a set. */
interface SpawnerCalls {
  mount(fds: number[], tmpBytes: number, tmpInodes: number): Promise<unknown>;
  release(): void;
}

/* Of two names for one number (SIGABRT, SIGIOT) the first, which is the usual one, is written last. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** A wait status as wait(2) gives it; -1: unknown. */
export function parseWaitStatus(status: number): MainEnd {
  if (status < 0) return {};
  const signal = status & 0x7f;
  if (signal === 0) return { exitCode: (status >> 8) & 0xff };
  return { signal: signalNames.get(signal) ?? `signal ${signal}` };
}

export class NamespaceSet {
  readonly pid: number;
  readonly pidfd: number;
  readonly uidBase: number;
  /** Resolves when every process of the set is gone. */
  readonly ended: Promise<MainEnd>;
  readonly #spawner: SpawnerCalls;
  #markEnded!: (end: MainEnd) => void;

  constructor(pid: number, pidfd: number, uidBase: number, spawner: SpawnerCalls) {
    this.pid = pid;
    this.pidfd = pidfd;
    this.uidBase = uidBase;
    this.#spawner = spawner;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
  }

  /**
   * Mounts a fresh /tmp and the folder, read-only, at /var/task. Before the set's tenant runs, once.
   * Errors: SANDBOX_MOUNT_FAILED.
   */
  async mount(bundleFolder: string, tmpBytes: number, tmpInodes: number): Promise<void> {
    const action = "Cannot prepare the mount of a bundle";
    const bundle = check("SANDBOX_MOUNT_FAILED", action, native.bundleMount(bundleFolder));
    try {
      await this.#spawner.mount([this.pidfd, bundle], tmpBytes, tmpInodes);
    } finally {
      closeFds(bundle);
    }
  }

  /** After `ended`: gives the pid back. */
  release(): void {
    closeFds(this.pidfd);
    this.#spawner.release();
  }

  /** For the spawner. */
  markEnded(status: number): void {
    this.#markEnded(parseWaitStatus(status));
  }
}
