/**
 * Finds what a service left behind: processes, cgroups, mounts, network namespaces, sockets and files. It looks
 * for what the service had while it ran and for what bears its name, so that others on the machine do not matter.
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { processTree, readProcess } from "./process-tree.ts";

/** Where programs leave files that are not theirs to leave. */
const SHARED_FOLDERS = ["/tmp", "/run", "/dev/shm", "/var/lib", "/run/netns"];

export class Leftovers {
  readonly #instance: string;
  readonly #filesBefore: Set<string>;
  readonly #mountsBefore: Set<string>;
  #dataName = "";
  #port = 0;
  /** pid → start time: a pid may be given to another process meanwhile. */
  #processes = new Map<number, string>();
  #netNamespaces = new Set<string>();

  private constructor(instance: string, files: Set<string>, mounts: Set<string>) {
    this.#instance = instance;
    this.#filesBefore = files;
    this.#mountsBefore = mounts;
  }

  static async before(instance: string): Promise<Leftovers> {
    return new Leftovers(instance, new Set(await sharedFiles()), new Set(await mountPoints()));
  }

  /** `dataName`: the name of its data folder, without the path. */
  expectGone(dataName: string, port: number): void {
    this.#dataName = dataName;
    this.#port = port;
  }

  /** Notes every process below the launcher, parked sandboxes included. Rejects if there are suspiciously few. */
  async noteRunning(launcher: number): Promise<void> {
    this.#processes = await processTree(launcher);
    const host = await readlink("/proc/self/ns/net");
    for (const pid of this.#processes.keys()) {
      const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => host);
      if (namespace !== host) this.#netNamespaces.add(namespace);
    }
    if (this.#processes.size < 5 || this.#netNamespaces.size === 0) {
      throw new Error(
        `found ${this.#processes.size} processes and ${this.#netNamespaces.size} network namespaces`,
      );
    }
    if ((await cgroupsNamed(this.#ownName)).length === 0) throw new Error(`found no cgroup ${this.#ownName}`);
  }

  /** One line for each thing left. */
  async find(): Promise<string[]> {
    const found = await Promise.all([
      this.#findProcesses(),
      cgroupsNamed(this.#ownName).then((folders) => folders.map((folder) => `cgroup ${folder}`)),
      this.#findMounts(),
      this.#findSockets(),
      this.#findFiles(),
    ]);
    return found.flat();
  }

  get #ownName(): string {
    return `mayfly-${this.#instance}`;
  }

  async #findProcesses(): Promise<string[]> {
    const found: string[] = [];
    for (const name of await readdir("/proc")) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const seen = await readProcess(pid);
      if (!seen) continue;
      const isOurs =
        this.#processes.get(pid) === seen.startTime ||
        seen.cgroup.includes(this.#ownName) ||
        seen.command.includes(this.#dataName);
      if (isOurs) found.push(`process ${pid}: ${seen.command}`);
      const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => "");
      if (this.#netNamespaces.has(namespace)) found.push(`network namespace ${namespace} of process ${pid}`);
    }
    return found;
  }

  async #findMounts(): Promise<string[]> {
    const mounts = (await mountPoints()).filter((mount) => !this.#mountsBefore.has(mount));
    // A namespace can also be kept by a mount of it.
    return mounts
      .filter((mount) => mount.includes("mayfly") || mount.includes("nsfs"))
      .map((mount) => `mount ${mount}`);
  }

  async #findSockets(): Promise<string[]> {
    const unix = (await readFile("/proc/net/unix", "utf8")).split("\n");
    const found = unix
      .filter((line) => line.includes(this.#dataName) || line.includes(`mayfly-launcher-${this.#instance}`))
      .map((line) => `socket ${line}`);
    if (await accepts(this.#port)) found.push(`port ${this.#port} still accepts connections`);
    return found;
  }

  async #findFiles(): Promise<string[]> {
    const files = (await sharedFiles()).filter((file) => !this.#filesBefore.has(file));
    const others = files.filter((file) => !file.endsWith(`/${this.#dataName}`));
    return others.filter((file) => file.includes(this.#instance)).map((file) => `file ${file}`);
  }
}

async function sharedFiles(): Promise<string[]> {
  const names = async (folder: string) =>
    (await readdir(folder).catch(() => [] as string[])).map((name) => join(folder, name));
  return (await Promise.all(SHARED_FOLDERS.map(names))).flat();
}

async function mountPoints(): Promise<string[]> {
  return (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line !== "");
}

async function cgroupsNamed(name: string, folder = "/sys/fs/cgroup"): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  const below = await Promise.all(folders.map((child) => cgroupsNamed(name, child)));
  return [...folders.filter((child) => child.endsWith(`/${name}`)), ...below.flat()];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => resolve(true) ?? socket.destroy());
    socket.once("error", () => resolve(false));
  });
}
