/**
 * Unpacked bundles on this machine: digest → read-only folder, to be mounted at /var/task. run-invocation.ts opens
 * one for each invocation and settle.ts releases it when its sandbox is gone.
 *
 * The cache starts empty: a folder that a crash left behind is never taken for a whole one. A folder gets its
 * final name by rename only when every byte of it is verified, so what has that name is complete.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { unpackBundle } from "./unpack-bundle.ts";

/** A bundle in use. It stays on disk at least until `release()`, which may be called again. */
export interface OpenBundle {
  folder: string;
  release(): void;
}

export interface BundleCache {
  /**
   * Unpacks the bundle unless it is there; concurrent calls for one digest share the work.
   * Errors: BUNDLE_UNAVAILABLE, BUNDLE_DIGEST_MISMATCH; the next call tries again.
   */
  open(digest: string): Promise<OpenBundle>;
}

interface CachedBundle {
  folder: string;
  bytes: number;
  users: number;
}

export interface BundleCacheOptions {
  /** Where the gateway stores packed bundles, by digest. */
  packedFolder: string;
  /** The cache's own folder; emptied at the start. */
  cacheFolder: string;
  /** Unpacked bytes to keep. What is in use is kept beyond it. */
  maxBytes: number;
}

export async function openBundleCache(options: BundleCacheOptions): Promise<BundleCache> {
  const { packedFolder, cacheFolder, maxBytes } = options;
  await rm(cacheFolder, { recursive: true, force: true });
  await mkdir(cacheFolder, { recursive: true, mode: 0o711 });

  /** In the order of last use: a Map keeps insertion order, and use() inserts again. */
  const cached = new Map<string, CachedBundle>();
  const unpacking = new Map<string, Promise<void>>();
  let totalBytes = 0;
  let serial = 0;

  async function unpack(digest: string): Promise<void> {
    // A name of its own each time: the removal of an evicted folder never meets its successor.
    const folder = join(cacheFolder, `${digest}-${++serial}`);
    const unfinished = `${folder}.unfinished`;
    try {
      const bytes = await unpackBundle(join(packedFolder, digest), digest, unfinished);
      await rename(unfinished, folder);
      totalBytes += bytes;
      cached.set(digest, { folder, bytes, users: 0 });
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
    await evict();
  }

  function unpackOnce(digest: string): Promise<void> {
    const started = unpacking.get(digest) ?? unpack(digest).finally(() => unpacking.delete(digest));
    unpacking.set(digest, started);
    return started;
  }

  function use(digest: string, bundle: CachedBundle): OpenBundle {
    bundle.users += 1;
    cached.delete(digest);
    cached.set(digest, bundle);
    let released = false;
    return {
      folder: bundle.folder,
      release() {
        if (!released) bundle.users -= 1;
        released = true;
      },
    };
  }

  /** Drops what was unused for longest until the rest fits. What is just unpacked has callers waiting for it. */
  async function evict(): Promise<void> {
    for (const [digest, bundle] of cached) {
      if (totalBytes <= maxBytes) return;
      if (bundle.users > 0 || unpacking.has(digest)) continue;
      cached.delete(digest);
      totalBytes -= bundle.bytes;
      await rm(bundle.folder, { recursive: true, force: true });
    }
  }

  return {
    async open(digest) {
      for (;;) {
        const bundle = cached.get(digest);
        if (bundle) return use(digest, bundle);
        // Nearly always once; again only if the bundle was evicted before this caller got its turn.
        await unpackOnce(digest);
      }
    },
  };
}
