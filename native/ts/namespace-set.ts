/** A namespace set, held by its PID 1. Made by Spawner.createSet(), ended by killing its cgroup. */
import { constants } from "node:os";
import { MOUNT, type Request } from "./channel.ts";
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

/** What a leased set gets. */
export interface SetMounts {
  /** Read-only at /var/task. */
  bundleFolder: string;
  /** Merged and read-only at /opt; later ones lie above earlier ones. */
  layerFolders: string[];
  /** The size of /tmp, and how many files it may have. */
  tmpBytes: number;
  tmpInodes: number;
}

/** What the spawner lends a set. */
interface SpawnerCalls {
  mount(request: Pick<Request, "fds" | "tmpBytes" | "tmpInodes" | "mounts">): Promise<unknown>;
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

  /** Before the set's tenant runs, once. One round trip to the mounter, whatever there is. Errors: SANDBOX_MOUNT_FAILED. */
  async mount({ bundleFolder, layerFolders, tmpBytes, tmpInodes }: SetMounts): Promise<void> {
    const made: number[] = [];
    const keep = (what: string, result: number) =>
      made.push(check("SANDBOX_MOUNT_FAILED", `Cannot prepare the mount of ${what}`, result));
    let mounts = 0;
    try {
      keep("a bundle", native.bundleMount(bundleFolder));
      if (layerFolders.length > 0) {
        mounts |= MOUNT.layers;
        keep("layers", native.layersMount(layerFolders, layerFolders.length));
      }
      await this.#spawner.mount({ fds: [this.pidfd, ...made], tmpBytes, tmpInodes, mounts });
    } finally {
      closeFds(...made);
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
