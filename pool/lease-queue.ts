/** Who waits for a sandbox of a pool, first come first served. warm-pool.ts has one. */
import type { Sandbox } from "./sandbox.ts";

interface Waiter {
  resolve: (sandbox: Sandbox) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export class LeaseQueue {
  readonly #waiters = new Set<Waiter>();

  get length(): number {
    return this.#waiters.size;
  }

  /** Rejects with what `late` returns after `timeoutMs`. */
  wait(timeoutMs: number, late: () => Error): Promise<Sandbox> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(late());
      }, timeoutMs);
      const waiter: Waiter = { resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** Gives it to whoever waits longest; false when nobody does. */
  serve(sandbox: Sandbox): boolean {
    const waiter = this.#first();
    waiter?.resolve(sandbox);
    return waiter !== undefined;
  }

  refuseAll(error: Error): void {
    for (let waiter = this.#first(); waiter !== undefined; waiter = this.#first()) waiter.reject(error);
  }

  #first(): Waiter | undefined {
    const [waiter] = this.#waiters;
    if (waiter === undefined) return undefined;
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }
}
