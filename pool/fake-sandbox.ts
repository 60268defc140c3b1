/**
 * A sandbox without a kernel, for tests in which the kernel is not the subject. It passes the same suite as the
 * real one (sandbox-contract.ts). Its "function" is decided by the event:
 *
 *   {"sleep": true}  never answers      {"exit": 3}  ends with that code      anything else  is answered as it is
 */
import { type EventHeader, MayflyError, type Runtime, type SandboxStatus } from "../contract/index.ts";
import type {
  Lease,
  Outcome,
  ProcessEnd,
  Sandbox,
  SandboxFactory,
  SandboxLog,
  SandboxState,
  Teardown,
  Usage,
} from "./sandbox.ts";

class FakeSandbox implements Sandbox {
  readonly id: string;
  readonly runtime: Runtime = "nodejs24";
  readonly network = "none";
  readonly #died = Promise.withResolvers<ProcessEnd>();
  readonly #destroyed = Promise.withResolvers<Teardown>();
  readonly died = this.#died.promise;
  readonly destroyed = this.#destroyed.promise;
  state: SandboxState = "parked";

  constructor(id: string) {
    this.id = id;
  }

  #lease: SandboxStatus["lease"];

  async prepare({ functionName, limits }: Lease): Promise<void> {
    this.#move("parked", "leased");
    const { cpu, memoryMb, pids, timeoutMs } = limits;
    this.#lease = { functionName, cpu, memoryMb, pids, timeoutMs };
  }

  async initialize(lease: Lease): Promise<number> {
    if (lease.handler === "broken.handler") throw new MayflyError("FUNCTION_INIT_FAILED");
    await this.prepare(lease);
    this.#move("leased", "initialized");
    return 1;
  }

  async compile(lease: Lease): Promise<{ code: Buffer; initMs: number }> {
    await this.prepare(lease);
    return { code: Buffer.alloc(0), initMs: 1 };
  }

  async run(event: EventHeader, body: Buffer, timeoutMs: number): Promise<Outcome> {
    this.#move(this.state === "initialized" ? "initialized" : "leased", "running");
    if (this.#lease !== undefined) this.#lease.invocationId = event.invocationId;
    const outcome = await this.#answer(JSON.parse(body.toString()), body, timeoutMs);
    if (this.state === "running") this.state = "finished";
    return outcome;
  }

  usage(): Usage {
    this.#expect("finished");
    const io = { ioReadBytes: 0, ioWrittenBytes: 0, ioReads: 0, ioWrites: 0 };
    return { cpuUs: 1000, throttledUs: 0, memoryPeakBytes: 4096, oomKills: 0, pidsLimitHits: 0, ...io };
  }

  log(): SandboxLog {
    this.#expect("finished");
    return { text: "", totalBytes: 0, droppedBytes: 0 };
  }

  inspect(): SandboxStatus {
    const { id, runtime, network, state } = this;
    return {
      id,
      runtime,
      network,
      state,
      sinceMs: 0,
      pids: [],
      cpuUs: 0,
      memoryPeakBytes: 0,
      lease: this.#lease,
    };
  }

  async destroy(): Promise<Teardown> {
    this.state = "destroyed";
    this.#died.resolve({});
    const teardown = { killedUs: 1, emptiedUs: 1, removedUs: 1, leaked: false };
    this.#destroyed.resolve(teardown);
    return teardown;
  }

  async #answer(
    event: { sleep?: boolean; exit?: number } | null,
    body: Buffer,
    timeoutMs: number,
  ): Promise<Outcome> {
    if (event?.exit !== undefined) return { kind: "ended", end: { exitCode: event.exit } };
    if (event?.sleep !== true) return { kind: "answer", header: { type: "answer", status: "ok" }, body };
    const timer = Promise.withResolvers<Outcome>();
    const timeout = setTimeout(() => timer.resolve({ kind: "timeout" }), timeoutMs);
    const ended = this.died.then((end): Outcome => ({ kind: "ended", end }));
    const outcome = await Promise.race([timer.promise, ended]);
    clearTimeout(timeout);
    return outcome;
  }

  #move(from: SandboxState, to: SandboxState): void {
    this.#expect(from);
    this.state = to;
  }

  #expect(state: SandboxState): void {
    if (this.state === state) return;
    throw new MayflyError("SANDBOX_STATE", {
      message: `Cannot use sandbox ${this.id}: it is ${this.state}, not ${state}`,
    });
  }
}

export class FakeSandboxFactory implements SandboxFactory {
  readonly runtime = "nodejs24";
  readonly network = "none";
  /** All that were made, for tests to look at. */
  readonly made: Sandbox[] = [];
  /** How many of the next create() fail. */
  failures = 0;
  closed = false;

  async create(): Promise<Sandbox> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new MayflyError("SANDBOX_SPAWN_FAILED", { message: "Cannot create a sandbox: the test says so" });
    }
    const sandbox = new FakeSandbox(`fake-${this.made.length + 1}`);
    this.made.push(sandbox);
    return sandbox;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
