/** Makes parked Linux sandboxes of one runtime and one network; what fails half-way is undone. */
import { MayflyError, type Network, type Runtime } from "../contract/index.ts";
import { Cgroup } from "../native/ts/cgroup.ts";
import type { CgroupBase } from "../native/ts/cgroup-base.ts";
import { closeFds, logPipe, socketpair } from "../native/ts/descriptors.ts";
import type { NamespaceSet } from "../native/ts/namespace-set.ts";
import { nativeError } from "../native/ts/native-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { EgressLink, EgressNetwork } from "./egress/egress-network.ts";
import { GuestChannel } from "./guest-channel.ts";
import { LinuxSandbox } from "./linux-sandbox.ts";
import { LogCollector } from "./log-collector.ts";
import { removeCgroup } from "./remove-cgroup.ts";
import { RuntimeHost, type RuntimeHostOptions } from "./runtime-host.ts";
import type { Sandbox, SandboxFactory } from "./sandbox.ts";
import type { UidRanges } from "./uid-ranges.ts";

export interface LinuxSandboxFactoryOptions extends Omit<RuntimeHostOptions, "runtime"> {
  runtime: Runtime;
  cgroups: CgroupBase;
  uidRanges: UidRanges;
  logger: Logger;
}

/** A process that is forked or executed says "ready" in milliseconds; this ends waiting for one that never will. */
const READY_TIMEOUT_MS = 10_000;

export class LinuxSandboxFactory implements SandboxFactory {
  readonly runtime: Runtime;
  readonly #host: RuntimeHost;
  readonly #options: LinuxSandboxFactoryOptions;
  readonly #egress: EgressNetwork | undefined;
  #count = 0;

  private constructor(host: RuntimeHost, options: LinuxSandboxFactoryOptions, egress?: EgressNetwork) {
    this.runtime = options.runtime;
    this.#host = host;
    this.#options = options;
    this.#egress = egress;
  }

  /** Starts the runtime's processes and tests whether its zygote can be forked on this machine. */
  static async start(options: LinuxSandboxFactoryOptions): Promise<LinuxSandboxFactory> {
    const factory = new LinuxSandboxFactory(await RuntimeHost.start(options), options);
    try {
      await factory.#selfTest();
    } catch (error) {
      await factory.close();
      throw error;
    }
    return factory;
  }

  get network(): Network {
    return this.#egress === undefined ? "none" : "egress";
  }

  /** Makes sandboxes with a way out, from the same spawner and zygote; close it before this one. */
  withEgress(egress: EgressNetwork): LinuxSandboxFactory {
    return new LinuxSandboxFactory(this.#host, this.#options, egress);
  }

  /** How this runtime's processes are started: forked from a zygote, or executed where that failed. */
  get mode(): "fork" | "exec" {
    return this.#host.mode;
  }

  async create(): Promise<Sandbox> {
    const { cgroups, uidRanges, logger } = this.#options;
    const id = `${this.runtime}-${this.#egress === undefined ? "" : "egress-"}${++this.#count}`;
    const uidBase = uidRanges.take();
    let cgroup: Cgroup | undefined;
    let set: NamespaceSet | undefined;
    let guest: GuestChannel | undefined;
    let logs: LogCollector | undefined;
    let attaching: Promise<EgressLink> | undefined;
    /** The process's ends, which are ours only until it has them. */
    const theirs: number[] = [];
    try {
      cgroup = Cgroup.create(cgroups, id);
      set = await this.#host.createSet(cgroup.fds, uidBase);
      attaching = this.#egress?.attach(set.pid);
      /* Awaited below; until then its failure is nobody's. */
      attaching?.catch(() => {});
      const [logRead, logWrite] = logPipe();
      theirs.push(logWrite);
      logs = new LogCollector(logRead);
      const [control, controlTheirs] = socketpair();
      theirs.push(controlTheirs);
      guest = new GuestChannel(control);
      const ready = guest.next();
      await this.#host.enter(set, { control: controlTheirs, log: logWrite, cgroup: cgroup.fds });
      closeFds(...theirs.splice(0));
      await untilReady(id, ready, set);
      const onDestroyed = () => uidRanges.give(uidBase);
      const link = await attaching;
      const runtime = this.runtime;
      return new LinuxSandbox({ id, runtime, set, cgroup, guest, logs, link, logger, onDestroyed });
    } catch (error) {
      closeFds(...theirs);
      guest?.close();
      logs?.close();
      await this.#undo(uidBase, cgroup, set, attaching);
      throw error;
    }
  }

  /** The runtime's processes belong to the factory that started them. */
  async close(): Promise<void> {
    if (this.#egress === undefined) await this.#host.close();
  }

  /** What cannot be undone is logged, and its ids are not given to another. */
  async #undo(
    uidBase: number,
    cgroup: Cgroup | undefined,
    set: NamespaceSet | undefined,
    attaching: Promise<EgressLink> | undefined,
  ): Promise<void> {
    try {
      const link = await attaching?.catch(() => undefined);
      cgroup?.kill();
      await set?.ended;
      set?.release();
      await link?.detach();
      if (cgroup !== undefined) await removeCgroup(cgroup);
      this.#options.uidRanges.give(uidBase);
    } catch (error) {
      this.#options.logger.error({ err: error }, "what a failed sandbox left could not be removed");
    }
  }

  /** A sandbox that became ready ran JavaScript in a forked process, which is what can fail. */
  async #selfTest(): Promise<void> {
    try {
      await (await this.create()).destroy();
    } catch (error) {
      this.#options.logger.warn(
        { err: error, runtime: this.runtime },
        "the zygote cannot be forked on this machine: sandboxes start by exec, which is slower",
      );
      this.#host.useExec();
      await (await this.create()).destroy();
    }
  }
}

/** Rejects with what went wrong inside: a step, an early end, or silence. */
async function untilReady(
  id: string,
  ready: ReturnType<GuestChannel["next"]>,
  set: NamespaceSet,
): Promise<void> {
  const failed = (why: string) =>
    new MayflyError("SANDBOX_SPAWN_FAILED", { message: `Cannot start the process of sandbox ${id}: ${why}` });
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => silence.reject(failed(`it was silent for ${READY_TIMEOUT_MS} ms`)),
    READY_TIMEOUT_MS,
  );
  try {
    const message = await Promise.race([
      ready,
      silence.promise,
      set.ended.then((end) => {
        throw failed(`it ended before it was ready (${JSON.stringify(end)})`);
      }),
    ]);
    if (message.kind !== "frame") throw failed("its first message is broken");
    if (message.header.type === "failed") {
      const action = `Cannot start the process of sandbox ${id}`;
      throw nativeError("SANDBOX_SPAWN_FAILED", action, -message.header.errno, message.header.step);
    }
    if (message.header.type !== "ready") throw failed(`it said "${message.header.type}" first`);
  } finally {
    clearTimeout(timer);
  }
}
