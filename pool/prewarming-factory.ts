/** Makes sandboxes of one function that have loaded its code and wait for their event. sandbox-pools.ts uses it. */
import type { Network, Runtime } from "../contract/index.ts";
import type { Lease, Sandbox, SandboxFactory } from "./sandbox.ts";

export class PrewarmingFactory implements SandboxFactory {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly #parked: SandboxFactory;
  readonly #lease: Lease;
  readonly #initTimeoutMs: number;

  /** `parked`: of the function's runtime and network. It stays its owner's. */
  constructor(parked: SandboxFactory, lease: Lease, initTimeoutMs: number) {
    this.runtime = parked.runtime;
    this.network = parked.network;
    this.#parked = parked;
    this.#lease = lease;
    this.#initTimeoutMs = initTimeoutMs;
  }

  /** Rejects also with FUNCTION_INIT_FAILED. */
  async create(): Promise<Sandbox> {
    const sandbox = await this.#parked.create();
    try {
      await sandbox.initialize(this.#lease, this.#initTimeoutMs);
      return sandbox;
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {}
}
