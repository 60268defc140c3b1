/** Hands out the host id ranges of sandboxes: no two that live have the same. */
import { HOST_IDS, MayflyError } from "../contract/index.ts";

const RANGES = Math.floor((HOST_IDS.lastSandboxUid + 1 - HOST_IDS.firstSandboxUid) / HOST_IDS.idsPerSandbox);

export class UidRanges {
  readonly #free: number[] = [];
  #next = 0;

  /** The first id of a range. Errors: SANDBOX_SPAWN_FAILED when all 4,093 are taken. */
  take(): number {
    /* Fresh ranges first: a range comes back as late as possible. */
    const index = this.#next < RANGES ? this.#next++ : this.#free.shift();
    if (index === undefined) {
      throw new MayflyError("SANDBOX_SPAWN_FAILED", {
        message: `Cannot give a sandbox its ids: all ${RANGES} ranges are in use`,
      });
    }
    return HOST_IDS.firstSandboxUid + index * HOST_IDS.idsPerSandbox;
  }

  give(uidBase: number): void {
    this.#free.push((uidBase - HOST_IDS.firstSandboxUid) / HOST_IDS.idsPerSandbox);
  }
}
