/**
 * Compiled code of functions, so that a large bundle is not parsed and compiled again by each of its sandboxes. It is made
 * once for a deployment, in a sandbox of its own that loads the function's modules and gets no event, no network and no
 * volumes; others find it read-only at /var/code. run-invocation.ts and prewarmer.ts ask, main.ts builds it.
 *
 * It belongs to a deployment, not to a bundle: whoever chooses the environment and the layers that a module is loaded with
 * may have a say in what V8 makes of it, and must have it for nobody else. V8 does not defend itself against compiled code
 * that somebody has tampered with; here only a function's own past self could.
 */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type DeployedFunction, decodeCodeFiles, deploymentKey, LIMITS } from "../contract/index.ts";
import type { SandboxPool } from "../pool/sandbox.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { BundleCache, OpenBundle } from "./bundle-cache.ts";
import { leaseOf } from "./lease-of.ts";

/** Modules that load faster than this gain less than the mount costs. */
const WORTH_MS = 5;
/** Deployments whose code is kept, and what their files may take together. The ones that were used last stay. */
const MAX_DEPLOYMENTS = 1_000;
const MAX_BYTES = 512 * 1024 * 1024;
const LEASE_TIMEOUT_MS = 10_000;

export interface CodeStoreTools {
  pool: SandboxPool;
  bundles: BundleCache;
  /** Its own; emptied at the start. */
  folder: string;
  logger: Logger;
}

interface Kept {
  /** Absent: there is none yet, or it would not be worth it. */
  folder?: string;
  bytes: number;
}

export class CodeStore {
  readonly #tools: CodeStoreTools;
  /** By deployment, in the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  /** One at a time: nobody waits for them. */
  #making: Promise<void> = Promise.resolve();
  #bytes = 0;
  #isClosed = false;

  private constructor(tools: CodeStoreTools) {
    this.#tools = tools;
  }

  static async open(tools: CodeStoreTools): Promise<CodeStore> {
    await rm(tools.folder, { recursive: true, force: true });
    await mkdir(tools.folder, { recursive: true, mode: 0o711 });
    return new CodeStore(tools);
  }

  /** Where it is, if it is there. When a deployment is asked about first, it is made in the background. */
  folderOf(deployed: DeployedFunction): string | undefined {
    const key = deploymentKey(deployed);
    const kept = this.#kept.get(key);
    if (kept === undefined) {
      this.#make(key, deployed);
      return undefined;
    }
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.folder;
  }

  /** Makes no more; resolves when the one under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#making;
  }

  /** Resolves when all that was asked for until now is made. */
  get settled(): Promise<void> {
    return this.#making;
  }

  #make(key: string, deployed: DeployedFunction): void {
    const kept: Kept = { bytes: 0 };
    this.#kept.set(key, kept);
    this.#making = this.#making.then(async () => {
      if (this.#isClosed) return;
      try {
        await this.#compile(key, deployed, kept);
      } catch (error) {
        const { functionName } = deployed;
        this.#tools.logger.info({ err: error, functionName }, "a function's code is not kept compiled");
      }
      await this.#evict();
    });
  }

  async #compile(key: string, deployed: DeployedFunction, kept: Kept): Promise<void> {
    const { pool, bundles, folder, logger } = this.#tools;
    const opened: OpenBundle[] = [];
    try {
      for (const digest of [deployed.bundleDigest, ...deployed.layerDigests])
        opened.push(await bundles.open(digest));
      const [bundleFolder = "", ...layerFolders] = opened.map((one) => one.folder);
      const lease = leaseOf({ ...deployed, volumes: [], egress: undefined }, new Map());
      const sandbox = await pool.acquire(deployed.runtime, LEASE_TIMEOUT_MS);
      try {
        const { code, initMs } = await sandbox.compile(
          { ...lease, bundleFolder, layerFolders },
          Math.max(LIMITS.initTimeoutMs, deployed.limits.timeoutMs),
        );
        if (initMs < WORTH_MS || code.length === 0) return;
        const name = createHash("sha256").update(key).digest("hex");
        kept.folder = await writeCode(join(folder, name), code);
        kept.bytes = code.length;
        this.#bytes += code.length;
        const { functionName } = deployed;
        logger.info({ functionName, bytes: code.length, initMs }, "a function's code is kept compiled");
      } finally {
        await sandbox.destroy();
      }
    } finally {
      for (const one of opened) one.release();
    }
  }

  /** A sandbox that has it mounted keeps what it has opened; what it opens later it compiles itself. */
  async #evict(): Promise<void> {
    for (const [key, kept] of this.#kept) {
      if (this.#kept.size <= MAX_DEPLOYMENTS && this.#bytes <= MAX_BYTES) return;
      this.#kept.delete(key);
      this.#bytes -= kept.bytes;
      if (kept.folder !== undefined) await rm(kept.folder, { recursive: true, force: true });
    }
  }
}

/** What has its name is whole. Errors: FUNCTION_INIT_FAILED when a stranger sent something else. */
async function writeCode(folder: string, code: Buffer): Promise<string> {
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  for (const { name, bytes } of decodeCodeFiles(code)) {
    await mkdir(join(unfinished, dirname(name)), { recursive: true, mode: 0o755 });
    await writeFile(join(unfinished, name), bytes, { flag: "wx", mode: 0o644 });
  }
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
  return folder;
}
