/**
 * A running mayfly-spawner: makes namespace sets of one runtime, starts its zygotes, and mounts into leased sets.
 * Used by pool/runtime-host.ts. native/README.md tells which process does what.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { MayflyError } from "../../contract/index.ts";
import { Channel, EVENT, OP } from "./channel.ts";
import { closeFds, socketpair } from "./descriptors.ts";
import { NATIVE_BUILD_DIR, native } from "./library.ts";
import { type JoinFds, NamespaceSet } from "./namespace-set.ts";
import { check } from "./native-error.ts";
import { Zygote } from "./zygote.ts";

export interface SpawnerOptions {
  /** Name of the runtime, for messages. */
  runtime: string;
  /** Folder that becomes `/` of every sandbox. */
  rootfs: string;
  /** Command lines inside it: of the zygote, and of a process that is executed where forking does not work. */
  zygoteCommand: string[];
  runnerCommand: string[];
  /** Called once when the spawner has ended; every set of its is gone then. */
  onEnd: () => void;
}

/** A zygote is warm in half a second; one that takes this long hangs. */
const WARM_UP_TIMEOUT_MS = 30_000;

export class Spawner {
  readonly #control: Channel;
  readonly #mounts: Channel;
  readonly #child: ChildProcess;
  readonly #sets = new Map<number, NamespaceSet>();
  /** Sets that ended before the reply that made them was looked at; by pid, with the wait status. */
  readonly #endedEarly = new Map<number, number>();
  readonly #runtime: string;

  private constructor(
    child: ChildProcess,
    runtime: string,
    makeChannels: (spawner: Spawner) => [Channel, Channel],
  ) {
    this.#child = child;
    this.#runtime = runtime;
    [this.#control, this.#mounts] = makeChannels(this);
  }

  /** Resolves when the spawner is in its template. Errors: SANDBOX_SPAWN_FAILED, with what failed on stderr. */
  static async start(options: SpawnerOptions): Promise<Spawner> {
    const { runtime, rootfs, zygoteCommand, runnerCommand } = options;
    const [control, controlTheirs] = socketpair();
    const [mounts, mountsTheirs] = socketpair();
    const child = spawn(
      `${NATIVE_BUILD_DIR}mayfly-spawner`,
      [rootfs, "3", "4", `${zygoteCommand.length}`, ...zygoteCommand, ...runnerCommand],
      {
        stdio: ["ignore", "inherit", "inherit", controlTheirs, mountsTheirs],
        env: {},
        cwd: "/",
      },
    );
    closeFds(controlTheirs, mountsTheirs);
    const started = Promise.withResolvers<void>();
    const peer = `the spawner of ${runtime}`;
    const spawner = new Spawner(child, runtime, (self) => [
      new Channel(control, {
        peer,
        code: "SANDBOX_SPAWN_FAILED",
        onEvent: (event) => {
          if (event.op === EVENT.hello) started.resolve();
          if (event.op === EVENT.setEnded) self.#setEnded(event.pid, event.result);
        },
        onClose: () => {
          started.reject(
            new MayflyError("SANDBOX_SPAWN_FAILED", {
              message: `Cannot start ${peer}: it ended; see its message above`,
            }),
          );
          self.#ended();
          options.onEnd();
        },
      }),
      new Channel(mounts, {
        peer: `the mounter of ${runtime}`,
        code: "SANDBOX_MOUNT_FAILED",
        onEvent: () => {},
        onClose: () => self.#control.close(),
      }),
    ]);
    child.on("error", () => spawner.#control.close());
    await started.promise;
    return spawner;
  }

  /** `uidBase`: first of the set's 65,536 host ids. The PID 1 starts inside the cgroup. */
  async createSet(cgroup: number[], uidBase: number): Promise<NamespaceSet> {
    const request = { op: OP.createSet, uidBase, fds: cgroup };
    const { pid } = await this.#control.request("Cannot create a namespace set", request);
    const pidfd = check("SANDBOX_SPAWN_FAILED", "Cannot open a namespace set", native.pidfdOpen(pid));
    const gate = check("SANDBOX_SPAWN_FAILED", "Cannot make a gate", native.gate());
    const set = new NamespaceSet({ pid, pidfd, gate }, uidBase, {
      mount: (request) => this.#mounts.request("Cannot mount into a sandbox", { op: OP.mount, ...request }),
      release: () => {
        this.#sets.delete(pid);
        this.#control.notify({ op: OP.releaseSet, pid });
      },
    });
    this.#sets.set(pid, set);
    const status = this.#endedEarly.get(pid);
    if (status !== undefined) this.#setEnded(pid, status);
    return set;
  }

  /** Executes the runner's command in a set: for runtimes or machines on which a zygote cannot be forked. */
  async exec(set: NamespaceSet, { control, log, cgroup }: JoinFds): Promise<void> {
    const request = {
      op: OP.exec,
      uidBase: set.uidBase,
      fds: [set.pidfd, control, log, set.gate, ...cgroup],
    };
    await this.#control.request("Cannot execute the runtime in a sandbox", request);
  }

  /** Resolves when the zygote is warm and can be forked. Errors: ZYGOTE_FAILED. */
  async startZygote(onEnd: () => void): Promise<Zygote> {
    const [ours, theirs] = socketpair();
    const zygote = new Zygote(ours, this.#runtime, onEnd);
    try {
      await this.#control.request("Cannot start the zygote", { op: OP.startZygote, fds: [theirs] });
    } catch (cause) {
      zygote.close();
      throw cause;
    } finally {
      closeFds(theirs);
    }
    const timer = setTimeout(() => zygote.close(), WARM_UP_TIMEOUT_MS);
    try {
      await zygote.ready;
    } finally {
      clearTimeout(timer);
    }
    return zygote;
  }

  /** Ends the spawner, its mounter and every zygote and set that is left. */
  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    const exited = exitCode === null && signalCode === null ? once(this.#child, "exit") : undefined;
    this.#control.close();
    this.#mounts.close();
    await exited;
  }

  #setEnded(pid: number, status: number): void {
    const set = this.#sets.get(pid);
    if (set === undefined) {
      this.#endedEarly.set(pid, status);
    } else {
      this.#endedEarly.delete(pid);
      set.markEnded(status);
    }
  }

  #ended(): void {
    for (const set of this.#sets.values()) set.markEnded(-1);
  }
}
