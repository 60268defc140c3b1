/** A namespace set, held by its PID 1. Made by Spawner.createSet(), ended by killing its cgroup. */
import { openSync } from "node:fs";
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
  /** Read-only at /var/code. */
  codeFolder?: string | undefined;
  /** Merged and read-only at /opt; later ones lie above earlier ones. */
  layerFolders: string[];
  /** Folders of the operator's, by the names that they get below /mnt. */
  volumes: { name: string; folder: string; readOnly: boolean }[];
  /** Writable root, thrown away with the set; as large as /tmp, beside it. */
  writableRoot: boolean;
  /** The size of /tmp, and how many files it may have. */
  tmpBytes: number;
  tmpInodes: number;
}

/** What the spawner lends a set. */
interface SpawnerCalls {
  mount(
    request: Pick<Request, "fds" | "tmpBytes" | "tmpInodes" | "mounts" | "volumes" | "uidBase">,
  ): Promise<unknown>;
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
  /** Opened when a lease's mounts are there; its process waits for that. */
  readonly gate: number;
  readonly uidBase: number;
  /** Resolves when every process of the set is gone. */
  readonly ended: Promise<MainEnd>;
  readonly #spawner: SpawnerCalls;
  #markEnded!: (end: MainEnd) => void;

  constructor(
    { pid, pidfd, gate }: { pid: number; pidfd: number; gate: number },
    uidBase: number,
    spawner: SpawnerCalls,
  ) {
    this.pid = pid;
    this.pidfd = pidfd;
    this.gate = gate;
    this.uidBase = uidBase;
    this.#spawner = spawner;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
  }

  /** Once: its process goes on when all is mounted. One round trip to the mounter, whatever there is. Errors: SANDBOX_MOUNT_FAILED. */
  async mount(mounted: SetMounts): Promise<void> {
    const { bundleFolder, codeFolder, layerFolders, volumes, writableRoot, tmpBytes, tmpInodes } = mounted;
    const made: number[] = [];
    const keep = (what: string, result: number) =>
      made.push(check("SANDBOX_MOUNT_FAILED", `Cannot prepare the mount of ${what}`, result));
    let mounts = writableRoot ? MOUNT.root : 0;
    try {
      keep("a bundle", native.bundleMount(bundleFolder));
      if (layerFolders.length > 0) {
        mounts |= MOUNT.layers;
        keep("layers", native.layersMount(layerFolders, layerFolders.length));
      }
      if (volumes.length > 0) {
        mounts |= MOUNT.volumes;
        this.#prepareVolumes(volumes, made);
      }
      if (codeFolder !== undefined) {
        mounts |= MOUNT.code;
        keep("compiled code", native.bundleMount(codeFolder));
      }
      const fds = [this.pidfd, this.gate, ...made];
      const { uidBase } = this;
      await this.#spawner.mount({ fds, uidBase, tmpBytes, tmpInodes, mounts, volumes: volumes.length });
    } finally {
      closeFds(...made);
    }
  }

  /** Adds to `made` the mount for /mnt, and for each volume a folder on it and the volume's mount. */
  #prepareVolumes(volumes: SetMounts["volumes"], made: number[]): void {
    const points = new Int32Array(volumes.length + 1);
    const names = volumes.map(({ name }) => name);
    const action = "Cannot prepare the mounts of volumes";
    check("SANDBOX_MOUNT_FAILED", action, native.mountPoints(names, names.length, points));
    const [mnt = -1, ...folders] = points;
    made.push(mnt);
    // The pid is PID 1's until release().
    const userNamespace = openSync(`/proc/${this.pid}/ns/user`, "r");
    try {
      volumes.forEach(({ name, folder, readOnly }, index) => {
        made.push(folders[index] ?? -1);
        const mount = native.volumeMount(folder, userNamespace, readOnly ? 1 : 0);
        made.push(check("SANDBOX_MOUNT_FAILED", `Cannot prepare the mount of volume ${name}`, mount));
      });
    } catch (error) {
      closeFds(...folders.filter((fd) => !made.includes(fd)));
      throw error;
    } finally {
      closeFds(userNamespace);
    }
  }

  /** After `ended`: gives the pid back. */
  release(): void {
    closeFds(this.pidfd, this.gate);
    this.#spawner.release();
  }

  /** For the spawner. */
  markEnded(status: number): void {
    this.#markEnded(parseWaitStatus(status));
  }
}
