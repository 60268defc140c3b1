/**
 * Packed bundles on disk: `<dataDir>/bundles/<digest>`, written once, read by the worker.
 *
 * Garbage: a bundle that no function refers to is deleted by sweep(), but only after it has been seen unreferenced
 * for GRACE_MS, because jobs already on the queue still need it and a deployment stores its bundle before it
 * registers its function. A deployment that stores the same digest again ends that digest's candidacy in keep(),
 * before it registers; sweep() checks candidacy and unlinks in one synchronous step. So either keep() comes first
 * and the file stays, or the unlink comes first and keep()'s rename brings the file back. No lock is needed as
 * long as one gateway process owns the folder.
 */
import { randomUUID } from "node:crypto";
import { accessSync, chownSync, constants, mkdirSync, rmSync } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS, MayflyError } from "../../contract/index.ts";

/** Longer than a job can wait in the queue and a deployment between its bundle and its registration. */
const GRACE_MS = 20 * LIMITS.queueTimeoutMs;
const INCOMING = /^\.incoming-/;
const DIGEST = /^[0-9a-f]{64}$/;

export class BundleStore {
  readonly #folder: string;
  readonly #graceMs: number;
  /** File name → when it was first seen without need, by performance.now(). */
  readonly #candidates = new Map<string, number>();

  /** Makes the folder, owned by `owner` when given (the gateway drops its rights to it afterwards). */
  constructor(dataDir: string, owner?: { uid: number; gid: number }, graceMs = GRACE_MS) {
    this.#folder = join(dataDir, "bundles");
    this.#graceMs = graceMs;
    // The gateway's user must pass through the data folder, whoever owns it.
    mkdirSync(dataDir, { recursive: true, mode: 0o711 });
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    if (owner) chownSync(this.#folder, owner.uid, owner.gid);
  }

  /** To be called once the process has its final rights. Errors: SETTINGS_INVALID, with the cure. */
  assertWritable(): void {
    try {
      accessSync(this.#folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      throw new MayflyError("SETTINGS_INVALID", {
        message: `Cannot write to ${this.#folder} as user ${process.getuid?.()}: let this user pass through each folder above it (chmod o+x), or correct MAYFLY_DATA_DIR`,
        cause,
      });
    }
  }

  /** A path for a new bundle, on the same file system as its final one. */
  incomingPath(): string {
    return join(this.#folder, `.incoming-${randomUUID()}`);
  }

  /** Puts a finished incoming file in its place, atomically; the same digest twice is one file. */
  async keep(incoming: string, digest: string): Promise<void> {
    this.#candidates.delete(digest);
    try {
      await rename(incoming, join(this.#folder, digest));
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
    // The rename itself must survive a power cut (fsync(2): the directory's entry needs its own fsync).
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Deletes what has not been needed for the grace time. Resolves to how many files that were. */
  async sweep(referencedDigests: () => Promise<Set<string>>): Promise<number> {
    // The folder first, the references after it: what was stored since is then not looked at.
    const names = new Set(
      (await readdir(this.#folder)).filter((name) => DIGEST.test(name) || INCOMING.test(name)),
    );
    const referenced = await referencedDigests();
    const now = performance.now();
    let deleted = 0;
    for (const name of this.#candidates.keys()) {
      if (!names.has(name)) this.#candidates.delete(name);
    }
    for (const name of names) {
      if (referenced.has(name)) {
        this.#candidates.delete(name);
        continue;
      }
      const since = this.#candidates.get(name);
      if (since === undefined) {
        this.#candidates.set(name, now);
      } else if (now - since >= this.#graceMs) {
        rmSync(join(this.#folder, name), { force: true });
        this.#candidates.delete(name);
        deleted += 1;
      }
    }
    return deleted;
  }
}
