/**
 * The processes that one runtime's sandboxes come from: its spawner, which ends only with the worker, and its
 * zygote, which is started again when it ends. Where forking a zygote does not work, processes are executed.
 */
import type { JoinFds, NamespaceSet } from "../native/ts/namespace-set.ts";
import { Spawner, type SpawnerOptions } from "../native/ts/spawner.ts";
import type { Zygote } from "../native/ts/zygote.ts";
import type { Logger } from "../telemetry/logger.ts";
import { execFallback, zygoteStarts } from "./pool-metrics.ts";

export type StartMode = "fork" | "exec";

export interface RuntimeHostOptions extends Omit<SpawnerOptions, "onEnd"> {
  logger: Logger;
  /** The spawner ended although nobody closed it: no sandbox can be made any more. */
  onLost: () => void;
}

export class RuntimeHost {
  readonly #spawner: Spawner;
  readonly #options: RuntimeHostOptions;
  #zygote: Promise<Zygote> | undefined;
  #mode: StartMode = "fork";
  #closed = false;

  private constructor(spawner: Spawner, options: RuntimeHostOptions) {
    this.#spawner = spawner;
    this.#options = options;
  }

  static async start(options: RuntimeHostOptions): Promise<RuntimeHost> {
    let host: RuntimeHost | undefined;
    const spawner = await Spawner.start({
      ...options,
      onEnd: () => {
        if (host !== undefined && !host.#closed) options.onLost();
      },
    });
    host = new RuntimeHost(spawner, options);
    execFallback.record(0, { "mayfly.runtime": options.runtime });
    return host;
  }

  get mode(): StartMode {
    return this.#mode;
  }

  /** Gives up forking for good: the zygote's self-test failed. */
  useExec(): void {
    this.#mode = "exec";
    execFallback.record(1, { "mayfly.runtime": this.#options.runtime });
    this.#zygote?.then(
      (zygote) => zygote.close(),
      () => {},
    );
    this.#zygote = undefined;
  }

  createSet(cgroup: number[], uidBase: number): Promise<NamespaceSet> {
    return this.#spawner.createSet(cgroup, uidBase);
  }

  /** Starts the runtime's process in the set. */
  async enter(set: NamespaceSet, fds: JoinFds): Promise<void> {
    if (this.#mode === "exec") return this.#spawner.exec(set, fds);
    const zygote = await this.#warmZygote();
    await zygote.fork(set, fds);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#spawner.close();
  }

  #warmZygote(): Promise<Zygote> {
    this.#zygote ??= this.#startZygote();
    return this.#zygote;
  }

  async #startZygote(): Promise<Zygote> {
    try {
      zygoteStarts.add(1, { "mayfly.runtime": this.#options.runtime });
      return await this.#spawner.startZygote(() => {
        this.#zygote = undefined;
        if (!this.#closed && this.#mode === "fork")
          this.#options.logger.warn("the zygote has ended; the next fork starts another");
      });
    } catch (error) {
      this.#zygote = undefined;
      throw error;
    }
  }
}
