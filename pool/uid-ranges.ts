/**
 * Hands out the host id ranges of sandboxes: no two that live have the same. Each instance begins at a place of its own,
 * found by its name, so that the few hundred that two of them use at a time hardly ever meet; where they do, nothing but
 * the kernel's per-user counts is shared, because the namespaces are not.
 */
import { createHash } from "node:crypto";
import { HOST_IDS, MayflyError } from "../contract/index.ts";

const RANGES = Math.floor((HOST_IDS.lastSandboxUid + 1 - HOST_IDS.firstSandboxUid) / HOST_IDS.idsPerSandbox);

export class UidRanges {
  readonly #free: number[] = [];
  readonly #first: number;
  #next = 0;

  constructor(instance: string) {
    this.#first = createHash("sha256").update(instance).digest().readUInt32LE() % RANGES;
  }

  /** The first id of a range. Errors: SANDBOX_SPAWN_FAILED when all 4,093 are taken. */
  take(): number {
    /* Fresh ranges first: a range comes back as late as possible. */
    const index = this.#next < RANGES ? (this.#first + this.#next++) % RANGES : this.#free.shift();
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
