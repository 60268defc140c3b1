/**
 * What a sandbox is to the pool and the worker. Two implementations pass the same suite
 * (sandbox-contract.ts): linux-sandbox.ts, and fake-sandbox.ts for tests in which the kernel is not the subject.
 *
 * A sandbox is used once. Its states, and who moves it on:
 *
 *   parked ──prepare()──▶ leased ───────run()──▶ running ──▶ finished ──destroy()──▶ destroyed
 *      └──initialize()──▶ initialized ──run()──▶ running
 *
 *   in any state: destroy() ──▶ destroyed
 *
 * initialize() is prepare() ahead of the event: it waits until the function's code is loaded, and the sandbox waits as
 * `initialized`, which run() takes like `leased`.
 *
 * After any error the only call that does anything is destroy(), which may be called again and then does nothing.
 */
import type {
  Autopsy,
  EgressPolicy,
  EventHeader,
  FunctionLimits,
  GuestHeader,
  Network,
  PoolStatus,
  Runtime,
  SandboxStatus,
  WorkerStatus,
} from "../contract/index.ts";
import type { CgroupUsage } from "../native/ts/cgroup.ts";
import type { MainEnd } from "../native/ts/namespace-set.ts";

export type SandboxState = SandboxStatus["state"];

/** The function that a leased sandbox is to be. */
export interface Lease {
  functionName: string;
  /** `<file>.<export>` in the bundle. */
  handler: string;
  environment?: Record<string, string>;
  limits: FunctionLimits;
  /** Mounted read-only at /var/task. */
  bundleFolder: string;
  /** Compiled form of the function's code, made by compile(). */
  codeFolder?: string | undefined;
  /** Mounted read-only and merged at /opt; later ones lie above earlier ones. */
  layerFolders?: string[];
  /** Whether the guest may write everywhere; what it writes is thrown away with the sandbox. */
  writableRoot?: boolean;
  /** Folders of the operator's, mounted at /mnt/<name>. */
  volumes?: { name: string; folder: string; readOnly: boolean }[];
  /** Of a sandbox with network `egress`: all that it may reach. Absent: everything public. */
  egress?: EgressPolicy | undefined;
}

/** How the sandbox's process ended: one is set, or none when that is not known. `signal`: such as `SIGKILL`. */
export type ProcessEnd = MainEnd;

/** What happened first after the event was sent. */
export type Outcome =
  | { kind: "answer"; header: Extract<GuestHeader, { type: "answer" }>; body: Buffer }
  | { kind: "ended"; end: ProcessEnd }
  | { kind: "timeout"; autopsy?: Autopsy }
  | { kind: "response_too_large" }
  | { kind: "protocol_error"; reason: string };

/** Counters of the sandbox's cgroup; they only grow. */
export type Usage = CgroupUsage;

/** stdout and stderr together, in the order in which they were written. */
export interface SandboxLog {
  /** At most LIMITS.logBytes; ends with a visible mark when more was written. */
  text: string;
  totalBytes: number;
  droppedBytes: number;
}

/** How the teardown went, in microseconds since cgroup.kill was written. */
export interface Teardown {
  /** Until every process of the namespace set was gone. */
  killedUs: number;
  /** Until the cgroup was empty (`populated 0`), and until it was removed. */
  emptiedUs: number;
  removedUs: number;
  /** True when something of the sandbox could not be removed; logged with its cause. */
  leaked: boolean;
}

export interface Sandbox {
  readonly id: string;
  readonly runtime: Runtime;
  readonly network: Network;
  readonly state: SandboxState;

  /**
   * Parked only. Sets limits, begins to mount the bundle and what else the lease says, and to load the function.
   * Waits for none of that: what fails later is run()'s to tell.
   */
  prepare(lease: Lease): Promise<void>;

  /**
   * Parked only. As prepare(), and waits until the function's code is loaded. Resolves to how long that took, in ms.
   * Errors: FUNCTION_INIT_FAILED, also after `timeoutMs`; SANDBOX_MOUNT_FAILED.
   */
  initialize(lease: Lease, timeoutMs: number): Promise<number>;

  /**
   * Parked only. Loads the function's code and resolves to V8's compiled form of it (contract/code-files.ts) and how long
   * loading took, in ms. What is left to do with the sandbox is to destroy it. Errors: as of initialize().
   */
  compile(lease: Lease, timeoutMs: number): Promise<{ code: Buffer; initMs: number }>;

  /**
   * Leased or initialized only. Sends the event and waits for the answer, the process's end or the time limit, whichever comes
   * first. On anything but an answer everything in the sandbox has been killed when the promise resolves.
   * Errors: SANDBOX_MOUNT_FAILED.
   */
  run(event: EventHeader, body: Buffer, timeoutMs: number): Promise<Outcome>;

  /** Finished only. What the sandbox used until now. */
  usage(): Usage;

  /** Finished only. All that was written before the outcome. */
  log(): SandboxLog;

  /** In any state: what the kernel says of it now. Reads some files, so never on an invocation's path. */
  inspect(): SandboxStatus;

  /** Any state. Resolves when no process, cgroup, mount or descriptor of it is left. Never rejects. */
  destroy(): Promise<Teardown>;

  /** Resolves when destroy() is done. */
  readonly destroyed: Promise<Teardown>;

  /** Resolves when the sandbox can no longer be leased although nobody destroyed it: its process died. */
  readonly died: Promise<ProcessEnd>;
}

/** Makes parked sandboxes of one runtime and one network. */
export interface SandboxFactory {
  readonly runtime: Runtime;
  readonly network: Network;
  /** Resolves to a parked sandbox, or rejects with SANDBOX_SPAWN_FAILED and leaves nothing. */
  create(): Promise<Sandbox>;
  /** Ends what the factory itself keeps (spawner, zygote). Its sandboxes must be destroyed before. */
  close(): Promise<void>;
}

/** What the worker sees of a pool. */
export interface SandboxPool {
  /**
   * A parked sandbox that nobody used before. Waits while none is parked.
   * Errors: LEASE_TIMEOUT after `timeoutMs`, POOL_CLOSED, RUNTIME_UNAVAILABLE, EGRESS_UNAVAILABLE.
   */
  acquire(runtime: Runtime, timeoutMs: number, network?: Network): Promise<Sandbox>;
  /** Sandboxes of one function kept initialised, beside the others. Errors: RUNTIME_UNAVAILABLE, EGRESS_UNAVAILABLE. */
  prewarm(request: PrewarmRequest): PrewarmedPool;
  /** Of each pool, those of prewarmed functions too. */
  stats(): PoolStatus[];
  /** What pools are sized by, beside what is asked of them. */
  readonly sizing: Pick<WorkerStatus, "poolBudgetBytes" | "pressure">;
  /** Of all sandboxes together: CPU time since the start, memory now. */
  usage(): { cpuUs: number; memoryBytes: number };
  /** Every sandbox that there is, as it is now. */
  inspect(): SandboxStatus[];
  /** Refuses new leases and destroys every sandbox: whoever wants running ones to finish waits before. */
  close(): Promise<void>;
}

export interface PrewarmRequest {
  runtime: Runtime;
  network: Network;
  lease: Lease;
  /** How many to keep. */
  count: number;
}

export interface PrewarmedPool {
  /** An initialised sandbox that nobody used before, if there is one now. */
  take(): Sandbox | undefined;
  /** Destroys those that wait; resolves when those taken are destroyed too, which is their takers' to do. */
  retire(): Promise<void>;
}
