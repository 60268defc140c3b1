/**
 * What a run has made and must take down: closers, called in the opposite order. Every suite has one of its own; main.ts
 * closes it after the suite, and on Ctrl-C.
 */
export class Scope {
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** In a scope that is closed already, at once: whoever opened something while Ctrl-C came does not keep it. */
  async defer(closer: () => unknown): Promise<void> {
    if (this.#closing === undefined) this.#closers.push(closer);
    else await closer();
  }

  /** Everything is closed, also when closing something fails; then rejects with the first failure. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
