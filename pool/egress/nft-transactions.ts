/**
 * nftables transactions, one after the other: the kernel carries them out one at a time, and each costs a process.
 * What arrives while one runs goes into the next together, so that a burst of leases does not queue up.
 */
import { runTool } from "./run-tool.ts";

interface Pending {
  commands: string;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class NftTransactions {
  readonly #run: (commands: string) => Promise<unknown>;
  #pending: Pending[] = [];
  #isRunning = false;

  constructor(
    run: (commands: string) => Promise<unknown> = (commands) => runTool(["nft", "-f", "-"], commands),
  ) {
    this.#run = run;
  }

  /** All of the commands take effect, or none. Errors: EGRESS_FAILED, with what nft says. */
  apply(commands: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ commands, resolve, reject });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    while (this.#pending.length > 0) {
      const together = this.#pending;
      this.#pending = [];
      try {
        await this.#run(together.map(({ commands }) => commands).join("\n"));
        for (const { resolve } of together) resolve();
      } catch {
        await this.#runAlone(together);
      }
    }
    this.#isRunning = false;
  }

  /**
   * Nobody fails for another's commands; and one that met another program's transaction, which the kernel refuses
   * with ERESTART, gets its second try.
   */
  async #runAlone(together: Pending[]): Promise<void> {
    for (const { commands, resolve, reject } of together) await this.#run(commands).then(resolve, reject);
  }
}
