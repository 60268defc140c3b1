/**
 * Keeps sandboxes of functions that ask for it (`prewarm`) initialised on this worker: follows the gateway's list in
 * Redis (contract/prewarm.ts) and hands one out when an invocation of exactly that deployment comes. When there is none,
 * the invocation takes the usual way. run-invocation.ts asks; main.ts builds it.
 */
import type { Redis } from "ioredis";
import {
  type DeployedFunction,
  deploymentKey,
  PREWARM_CHANGED,
  PREWARM_FUNCTIONS,
  type PrewarmFunction,
  prewarmFunction,
} from "../contract/index.ts";
import type { PrewarmedPool, Sandbox, SandboxPool } from "../pool/sandbox.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { BundleCache, OpenBundle } from "./bundle-cache.ts";
import type { CodeStore } from "./code-store.ts";
import { leaseOf } from "./lease-of.ts";
import type { Volume } from "./parse-volumes.ts";

/** A message that Redis did not deliver is made up for this late. */
const REREAD_MS = 30_000;

export interface PrewarmerTools {
  redis: Redis;
  pool: SandboxPool;
  bundles: BundleCache;
  /** Absent: no code is kept compiled. */
  codes?: Pick<CodeStore, "folderOf">;
  volumes: Map<string, Volume>;
  logger: Logger;
}

interface Kept {
  key: string;
  count: number;
  pool: PrewarmedPool;
  bundles: OpenBundle[];
}

export class Prewarmer {
  readonly #tools: PrewarmerTools;
  readonly #subscriber: Redis;
  readonly #timer: NodeJS.Timeout;
  readonly #kept = new Map<string, Kept>();
  /** One reading after the other, so that an old list never follows a new one. */
  #following: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(tools: PrewarmerTools) {
    this.#tools = tools;
    this.#subscriber = tools.redis.duplicate();
    this.#subscriber.on("error", (error) =>
      tools.logger.warn({ err: error }, "cannot listen for deployments"),
    );
    this.#subscriber.on("message", () => this.#follow());
    /* What was deployed while nobody listened is in the list, so that is read whenever listening begins. */
    this.#subscriber.on("ready", () => {
      this.#subscriber.subscribe(PREWARM_CHANGED).then(
        () => this.#follow(),
        () => {},
      );
    });
    this.#timer = setInterval(() => this.#follow(), REREAD_MS).unref();
  }

  /** An initialised sandbox of this very deployment, if one waits. */
  take(job: DeployedFunction): Sandbox | undefined {
    const kept = this.#kept.get(job.functionName);
    return kept !== undefined && kept.key === deploymentKey(job) ? kept.pool.take() : undefined;
  }

  /** Destroys those that wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#subscriber.disconnect();
    await this.#following;
    await Promise.all([...this.#kept.keys()].map((name) => this.#drop(name)));
  }

  #follow(): void {
    this.#following = this.#following
      .then(() => this.#read())
      .catch((error) => this.#tools.logger.warn({ err: error }, "prewarmed functions cannot be kept"));
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    const wanted = new Map<string, PrewarmFunction>();
    for (const [name, json] of Object.entries(await this.#tools.redis.hgetall(PREWARM_FUNCTIONS))) {
      const parsed = prewarmFunction.safeParse(JSON.parse(json));
      if (parsed.success) wanted.set(name, parsed.data);
      else this.#tools.logger.error({ functionName: name }, "what is to be prewarmed has the wrong form");
    }
    for (const [name, kept] of this.#kept) {
      const function_ = wanted.get(name);
      /* Those of an old deployment may still be running: nothing waits for them here. */
      if (function_?.prewarm !== kept.count || deploymentKey(function_) !== kept.key) void this.#drop(name);
    }
    for (const [name, function_] of wanted) if (!this.#kept.has(name)) await this.#keep(name, function_);
  }

  async #keep(name: string, deployed: PrewarmFunction): Promise<void> {
    const { pool, bundles, codes, volumes, logger } = this.#tools;
    const opened: OpenBundle[] = [];
    try {
      const lease = leaseOf(deployed, volumes);
      for (const digest of [deployed.bundleDigest, ...deployed.layerDigests])
        opened.push(await bundles.open(digest));
      const [bundleFolder = "", ...layerFolders] = opened.map(({ folder }) => folder);
      const { runtime, network, prewarm: count } = deployed;
      const prewarmed = pool.prewarm({
        runtime,
        network,
        lease: { ...lease, bundleFolder, layerFolders, codeFolder: codes?.folderOf(deployed) },
        count,
      });
      this.#kept.set(name, { key: deploymentKey(deployed), count, pool: prewarmed, bundles: opened });
      logger.info({ functionName: name, count }, "sandboxes of a function are kept initialised");
    } catch (error) {
      for (const bundle of opened) bundle.release();
      logger.error({ err: error, functionName: name }, "sandboxes of a function cannot be kept initialised");
    }
  }

  async #drop(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    await kept?.pool.retire();
    for (const bundle of kept?.bundles ?? []) bundle.release();
  }
}
