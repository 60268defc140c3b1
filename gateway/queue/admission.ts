/**
 * Refuses invocations when the queue is full, without a round trip for each: the depth is read at most every
 * REFRESH_MS, beside the invocations, and what this gateway added since and has no reply for is counted on top. The
 * estimate errs towards full by what runs already, at most what was added in a quarter of a second.
 */
import { LIMITS, MayflyError } from "../../contract/index.ts";

const REFRESH_MS = 250;
/** A reading older than this says nothing; the invocation after a quiet time waits for a new one. */
const STALE_MS = 1_000;

export class Admission {
  readonly #waitingCount: () => Promise<number>;
  readonly #limit: number;
  #depth = 0;
  #addedSince = 0;
  #readings = 0;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(waitingCount: () => Promise<number>, limit: number = LIMITS.queueLength) {
    this.#waitingCount = waitingCount;
    this.#limit = limit;
  }

  /** Counts one invocation in, and out again when the result is called. Errors: QUEUE_FULL, QUEUE_UNAVAILABLE. */
  async admit(): Promise<() => void> {
    const age = performance.now() - this.#readAt;
    if (age > STALE_MS) await this.#refresh();
    // A reading that fails here is made again, and awaited, once the last one is stale.
    else if (age > REFRESH_MS) this.#refresh().catch(() => {});

    if (this.#depth + this.#addedSince >= this.#limit)
      throw new MayflyError("QUEUE_FULL", {
        message: `Cannot queue the invocation: ${this.#limit} are waiting already`,
      });
    const reading = this.#readings;
    this.#addedSince += 1;
    return () => {
      // A newer reading has replaced the count that it was part of.
      if (reading === this.#readings) this.#addedSince -= 1;
    };
  }

  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    // Those added while the answer travels may be in it or not: counted on top, the estimate stays high.
    this.#addedSince = 0;
    this.#readings += 1;
    this.#depth = await this.#waitingCount();
    this.#readAt = performance.now();
  }
}
