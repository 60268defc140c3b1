/** A sandbox of Linux namespaces and cgroups. Made by linux-sandbox-factory.ts, driven by the worker. */
import {
  type EventHeader,
  type InitHeader,
  MayflyError,
  type Network,
  type Runtime,
  type SandboxStatus,
} from "../contract/index.ts";
import type { Cgroup } from "../native/ts/cgroup.ts";
import type { NamespaceSet } from "../native/ts/namespace-set.ts";
import { unixMs } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inSpan } from "../telemetry/tracing.ts";
import { performAutopsy } from "./autopsy.ts";
import type { EgressLink } from "./egress/egress-network.ts";
import type { GuestChannel, GuestMessage } from "./guest-channel.ts";
import type { LogCollector } from "./log-collector.ts";
import { recordPhases } from "./record-phases.ts";
import { removeCgroup } from "./remove-cgroup.ts";
import type {
  Lease,
  Outcome,
  ProcessEnd,
  Sandbox,
  SandboxLog,
  SandboxState,
  Teardown,
  Usage,
} from "./sandbox.ts";

/** What a sandbox is made of; it owns all of it. */
export interface SandboxParts {
  id: string;
  runtime: Runtime;
  set: NamespaceSet;
  cgroup: Cgroup;
  guest: GuestChannel;
  logs: LogCollector;
  /** Its way out; absent with network `none`. */
  link?: EgressLink | undefined;
  logger: Logger;
  /** Called when the sandbox is gone: its ids may be used again. */
  onDestroyed: () => void;
}

const MIB = 1024 * 1024;
/** A file of /tmp for every 4 KiB of it, as mke2fs would give, so that small files do not run out first. */
const TMP_BYTES_PER_INODE = 4096;
/** Mayfly's own PID 1 is in the cgroup too; a function's limit is its own. */
const OWN_PROCESSES = 1;
/** Of what a function wrote before it failed to load. */
const INIT_LOG_CHARACTERS = 2_000;
/** A killed process that takes this long to end hangs in the kernel. */
const END_TIMEOUT_MS = 15_000;

const microsecondsSince = (start: bigint) => Number(process.hrtime.bigint() - start) / 1000;

export class LinuxSandbox implements Sandbox {
  readonly id: string;
  readonly runtime: Runtime;
  readonly died: Promise<ProcessEnd>;
  readonly destroyed: Promise<Teardown>;
  readonly #parts: SandboxParts;
  #state: SandboxState = "parked";
  #sinceMs = Date.now();
  #lease: SandboxStatus["lease"];
  #message: Promise<GuestMessage> = new Promise(() => {});
  #mounted: Promise<void> = Promise.resolve();
  #mountedAtMs = 0;
  #teardown: Promise<Teardown> | undefined;
  #resolveDestroyed!: (teardown: Teardown) => void;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.runtime = parts.runtime;
    this.died = parts.set.ended;
    this.destroyed = new Promise((resolve) => {
      this.#resolveDestroyed = resolve;
    });
  }

  get state(): SandboxState {
    return this.#state;
  }

  get network(): Network {
    return this.#parts.link === undefined ? "none" : "egress";
  }

  prepare(lease: Lease): Promise<void> {
    return this.#begin(lease, { report: false });
  }

  async initialize(lease: Lease, timeoutMs: number): Promise<number> {
    await this.#begin(lease, { report: true });
    const { initMs } = await this.#untilInitialized(lease, timeoutMs);
    this.#message = this.#parts.guest.next();
    this.#move("leased", "initialized");
    return initMs;
  }

  async compile(lease: Lease, timeoutMs: number): Promise<{ code: Buffer; initMs: number }> {
    await this.#begin(lease, { report: true, code: "make" });
    return await this.#untilInitialized(lease, timeoutMs);
  }

  async #untilInitialized(lease: Lease, timeoutMs: number): Promise<{ code: Buffer; initMs: number }> {
    const first = await this.#firstOf<GuestMessage | Outcome>(this.#message, timeoutMs);
    if (first.kind === "frame" && first.header.type === "initialized")
      return { code: first.body, initMs: first.header.initMs };
    throw new MayflyError("FUNCTION_INIT_FAILED", {
      message: `Cannot initialise ${lease.functionName}: ${initFault(first)}`,
      details: { log: this.#parts.logs.take().text.slice(-INIT_LOG_CHARACTERS) },
    });
  }

  async #begin(lease: Lease, asked: Pick<InitHeader, "report" | "code">): Promise<void> {
    const { functionName, handler, environment = {}, limits } = lease;
    const { bundleFolder, codeFolder, layerFolders = [], volumes = [], writableRoot = false } = lease;
    this.#move("parked", "leased");
    const { cpu, memoryMb, pids, timeoutMs } = limits;
    this.#lease = { functionName, cpu, memoryMb, pids, timeoutMs };
    const { cgroup, set, guest, link } = this.#parts;
    /* Now: the process wakes up, reads and sets its environment while the kernel's part is done here. */
    this.#message = guest.next();
    const hasLayers = layerFolders.length > 0;
    const code = codeFolder === undefined ? undefined : "use";
    guest.send({ type: "init", functionName, handler, memoryMb, environment, hasLayers, code, ...asked });
    await inSpan("limit", {}, async () =>
      cgroup.limit({
        cpu: limits.cpu,
        memoryBytes: limits.memoryMb * MIB,
        pids: limits.pids + OWN_PROCESSES,
        ioBytes: limits.ioMbps && limits.ioMbps * MIB,
        ioOperations: limits.iops,
      }),
    );
    /* The mounts let it go on, so they come last. */
    await link?.allow(lease.egress);
    if (this.#teardown !== undefined) return;
    const tmpBytes = limits.tmpMb * MIB;
    const tmpInodes = tmpBytes / TMP_BYTES_PER_INODE;
    const files = { bundleFolder, codeFolder, layerFolders, volumes, writableRoot, tmpBytes, tmpInodes };
    this.#mounted = inSpan("mount", {}, () => set.mount(files)).then(
      () => {
        this.#mountedAtMs = unixMs();
      },
      (error) => {
        /* Whoever destroyed it meanwhile does not want to know. */
        if (this.#teardown === undefined) throw error;
      },
    );
    this.#mounted.catch(() => {}); // run() tells
  }

  async run(event: EventHeader, body: Buffer, timeoutMs: number): Promise<Outcome> {
    this.#move(this.#state === "initialized" ? "initialized" : "leased", "running");
    if (this.#lease !== undefined) this.#lease.invocationId = event.invocationId;
    const { guest, set, cgroup, logger } = this.#parts;
    const message = this.#message;
    const sentAtMs = unixMs();
    guest.send(event, body);
    const outcome = await this.#firstOf<Outcome>(message.then(outcomeOf), timeoutMs);
    recordPhases(outcome, Math.max(sentAtMs, this.#mountedAtMs), unixMs());
    if (outcome.kind === "timeout" && this.#teardown === undefined) {
      const autopsy = await performAutopsy(cgroup, message, logger);
      if (autopsy !== undefined) outcome.autopsy = autopsy;
    }
    if (outcome.kind !== "answer" && this.#teardown === undefined) {
      cgroup.kill();
      await set.ended;
    }
    this.#move("running", "finished");
    return outcome;
  }

  /** What is said, the end of its processes, or the end of its time. */
  async #firstOf<T>(said: Promise<T>, timeoutMs: number): Promise<T | Outcome> {
    const timer = Promise.withResolvers<Outcome>();
    const timeout = setTimeout(() => timer.resolve({ kind: "timeout" }), timeoutMs);
    const ended = this.#parts.set.ended.then((end): Outcome => ({ kind: "ended", end }));
    return Promise.race([said, ended, timer.promise, rejectionOf(this.#mounted)]).finally(() =>
      clearTimeout(timeout),
    );
  }

  usage(): Usage {
    this.#expect("finished");
    return this.#parts.cgroup.usage();
  }

  log(): SandboxLog {
    this.#expect("finished");
    return this.#parts.logs.take();
  }

  inspect(): SandboxStatus {
    const { cgroup, set } = this.#parts;
    const { id, runtime, network } = this;
    const status = { id, runtime, network, state: this.#state, sinceMs: this.#sinceMs, lease: this.#lease };
    try {
      const { cpuUs, memoryPeakBytes } = cgroup.usage();
      /* The kernel sorts by number, and numbers start again. */
      const others = cgroup.pids().filter((pid) => pid !== set.pid);
      return { ...status, pids: [set.pid, ...others], cpuUs, memoryPeakBytes };
    } catch {
      /* Its cgroup has just gone. */
      return { ...status, pids: [], cpuUs: 0, memoryPeakBytes: 0 };
    }
  }

  destroy(): Promise<Teardown> {
    this.#teardown ??= this.#tearDown();
    return this.#teardown;
  }

  async #tearDown(): Promise<Teardown> {
    this.#state = "destroyed";
    this.#sinceMs = Date.now();
    const { set, cgroup, guest, logs, link, logger, onDestroyed } = this.#parts;
    const start = process.hrtime.bigint();
    const teardown: Teardown = { killedUs: 0, emptiedUs: 0, removedUs: 0, leaked: false };
    try {
      cgroup.kill();
      await untilEnded(set, this.id);
      teardown.killedUs = microsecondsSince(start);
      guest.close();
      logs.close();
      await Promise.allSettled([this.#mounted]); // so that it meets no closed descriptor
      set.release();
      const emptied = () => {
        teardown.emptiedUs = microsecondsSince(start);
      };
      await Promise.all([removeCgroup(cgroup, emptied), link?.detach()]);
      teardown.removedUs = microsecondsSince(start);
      onDestroyed();
    } catch (error) {
      /* Its ids are not given back: whatever is left of it must not meet a successor. */
      teardown.leaked = true;
      logger.error({ err: error, sandbox: this.id }, "a sandbox could not be removed");
    }
    this.#resolveDestroyed(teardown);
    return teardown;
  }

  /** The only place where a living sandbox changes its state. */
  #move(from: SandboxState, to: SandboxState): void {
    /* Destroyed while it ran: whoever destroyed it does not want the outcome, and gets the state it made. */
    if (this.#state === "destroyed" && from !== "parked") return;
    this.#expect(from);
    this.#state = to;
    this.#sinceMs = Date.now();
  }

  #expect(state: SandboxState): void {
    if (this.#state === state) return;
    throw new MayflyError("SANDBOX_STATE", {
      message: `Cannot use sandbox ${this.id}: it is ${this.#state}, not ${state}`,
    });
  }
}

/** Settles only when `promise` fails, and then as it does. */
const rejectionOf = (promise: Promise<void>): Promise<never> =>
  promise.then(() => new Promise<never>(() => {}));

async function untilEnded(set: NamespaceSet, id: string): Promise<void> {
  const hangs = Promise.withResolvers<never>();
  const message = `Cannot end sandbox ${id}: it was killed ${END_TIMEOUT_MS} ms ago and still lives`;
  const timer = setTimeout(() => hangs.reject(new MayflyError("CGROUP_FAILED", { message })), END_TIMEOUT_MS);
  await Promise.race([set.ended, hangs.promise]).finally(() => clearTimeout(timer));
}

/** Why code that was to be loaded ahead was not. */
function initFault(first: GuestMessage | Outcome): string {
  if (first.kind === "frame" && first.header.type === "answer") {
    const { type, message } = first.header.error ?? { type: first.header.status, message: "" };
    return `${type}: ${message}`;
  }
  if (first.kind === "ended") return `its process ended (${JSON.stringify(first.end)})`;
  if (first.kind === "timeout") return "it takes too long";
  return "it broke the protocol";
}

function outcomeOf(message: GuestMessage): Outcome {
  if (message.kind === "too_large") return { kind: "response_too_large" };
  if (message.kind === "broken") return { kind: "protocol_error", reason: message.reason };
  const { header, body } = message;
  if (header.type !== "answer")
    return { kind: "protocol_error", reason: `it sent "${header.type}" for an answer` };
  return { kind: "answer", header, body };
}
