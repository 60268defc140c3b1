/**
 * The deployed functions, in Redis:
 *
 *   mayfly:functions           hash        name → record as JSON
 *   mayfly:functions:created   hash        name → time of the first deployment
 *   mayfly:functions:names     sorted set  all names with score 0, so that ZRANGEBYLEX pages them in order
 *   mayfly:functions:version   string      random, new with every deployment and deletion
 *   mayfly:prewarm             hash        name → what workers need to keep sandboxes of it initialised (contract/prewarm.ts)
 *
 * A page of names costs the same whether ten functions exist or ten thousand. All change together in MULTI, so a reader
 * never sees half of a deployment.
 *
 * Records that were invoked are remembered, so that an invocation needs no round trip for its function. One gateway
 * serves a data folder, so what it changes itself is all there is, and it forgets that before it answers the deployer.
 * Where that is not so (a second gateway, a Redis that lost its data), refresh() sees another version and forgets all.
 */
import { randomUUID } from "node:crypto";
import type { ChainableCommander, Redis } from "ioredis";
import { MayflyError, PREWARM_CHANGED, PREWARM_FUNCTIONS } from "../../contract/index.ts";
import {
  type FunctionRecord,
  type FunctionView,
  functionRecord,
  toFunctionView,
  toPrewarmFunction,
} from "./function-record.ts";

const RECORDS = "mayfly:functions";
const CREATED = "mayfly:functions:created";
const NAMES = "mayfly:functions:names";
const VERSION = "mayfly:functions:version";
const SCAN_COUNT = 500;
/** Records, of at most a few KiB each; beyond, the one that was read from Redis longest ago goes. */
const REMEMBERED_MAX = 10_000;

export class FunctionRegistry {
  readonly #redis: Redis;
  readonly #remembered = new Map<string, FunctionRecord>();
  /** What was asked of Redis before a change may be older than it. */
  #changes = 0;
  #version: string | null | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Adds the function or replaces it whole. All methods: QUEUE_UNAVAILABLE when Redis is away. */
  async put(record: FunctionRecord): Promise<{ isNew: boolean; view: FunctionView }> {
    const changes = this.#redis
      .multi()
      .hsetnx(CREATED, record.name, record.updatedAt)
      .hget(CREATED, record.name)
      .hset(RECORDS, record.name, JSON.stringify(record))
      .zadd(NAMES, 0, record.name);
    if (record.prewarm === 0) changes.hdel(PREWARM_FUNCTIONS, record.name);
    else changes.hset(PREWARM_FUNCTIONS, record.name, JSON.stringify(toPrewarmFunction(record)));
    changes.publish(PREWARM_CHANGED, record.name);
    const [isNew, createdAt] = await this.#change(record.name, changes);
    return { isNew: isNew === 1, view: toFunctionView(record, String(createdAt)) };
  }

  /** With the environment's values: for invocations only. The record is shared; nobody may change it. */
  async resolve(name: string): Promise<FunctionRecord> {
    const remembered = this.#remembered.get(name);
    if (remembered) return remembered;
    const changes = this.#changes;
    const json = await this.#redis.hget(RECORDS, name).catch(unavailable);
    if (json === null) throw unknownFunction(name);
    const record = functionRecord.parse(JSON.parse(json));
    if (changes === this.#changes) this.#remember(record);
    return record;
  }

  /** Forgets what somebody else may have changed; main.ts has it called every second. One round trip. */
  async refresh(): Promise<void> {
    const version = await this.#redis.get(VERSION).catch(unavailable);
    if (version === this.#version) return;
    // After own changes too: somebody else's may lie before them.
    this.#version = version;
    this.#changes += 1;
    this.#remembered.clear();
  }

  async get(name: string): Promise<FunctionView> {
    const [json, createdAt] = await this.#all(this.#redis.multi().hget(RECORDS, name).hget(CREATED, name));
    if (typeof json !== "string") throw unknownFunction(name);
    return toFunctionView(functionRecord.parse(JSON.parse(json)), String(createdAt));
  }

  /** At most `limit` functions whose names sort behind `after`; `next` is set when there are more. */
  async list(limit: number, after?: string): Promise<{ functions: FunctionView[]; next?: string }> {
    const start = after === undefined ? "-" : `(${after}`;
    const names = await this.#redis.zrangebylex(NAMES, start, "+", "LIMIT", 0, limit + 1).catch(unavailable);
    const page = names.slice(0, limit);
    if (page.length === 0) return { functions: [] };

    const [records, created] = (await this.#all(
      this.#redis
        .multi()
        .hmget(RECORDS, ...page)
        .hmget(CREATED, ...page),
    )) as [(string | null)[], (string | null)[]];
    const functions = records.flatMap((json, i) =>
      // Deleted since the names were read.
      json === null ? [] : [toFunctionView(functionRecord.parse(JSON.parse(json)), String(created[i]))],
    );
    const next = page.at(-1);
    return names.length > limit && next !== undefined ? { functions, next } : { functions };
  }

  async delete(name: string): Promise<void> {
    const [deleted] = await this.#change(
      name,
      this.#redis
        .multi()
        .hdel(RECORDS, name)
        .hdel(CREATED, name)
        .zrem(NAMES, name)
        .hdel(PREWARM_FUNCTIONS, name)
        .publish(PREWARM_CHANGED, name),
    );
    if (deleted === 0) throw unknownFunction(name);
  }

  /** The digests of all bundles that a function refers to, its layers' too. HSCAN returns all that is there all the time. */
  async referencedDigests(): Promise<Set<string>> {
    const digests = new Set<string>();
    let cursor = "0";
    do {
      const [next, fields] = await this.#redis.hscan(RECORDS, cursor, "COUNT", SCAN_COUNT).catch(unavailable);
      cursor = next;
      for (let i = 1; i < fields.length; i += 2) {
        const { bundleDigest, layerDigests } = functionRecord.parse(JSON.parse(String(fields[i])));
        for (const digest of [bundleDigest, ...layerDigests]) digests.add(digest);
      }
    } while (cursor !== "0");
    return digests;
  }

  /** Even if Redis does not answer: it may have done it. */
  async #change(name: string, commands: ChainableCommander): Promise<unknown[]> {
    this.#changes += 1;
    try {
      return await this.#all(commands.set(VERSION, randomUUID()));
    } finally {
      this.#changes += 1;
      this.#remembered.delete(name);
    }
  }

  #remember(record: FunctionRecord): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(record.name, record);
  }

  async #all(commands: ChainableCommander): Promise<unknown[]> {
    const replies = await commands.exec().catch(unavailable);
    return (replies ?? []).map(([error, reply]) => (error ? unavailable(error) : reply));
  }
}

function unknownFunction(name: string): MayflyError {
  return new MayflyError("FUNCTION_UNKNOWN", { message: `No function has the name "${name}"` });
}

function unavailable(cause: unknown): never {
  throw new MayflyError("QUEUE_UNAVAILABLE", {
    message: "Cannot reach the functions: Redis does not answer",
    cause,
  });
}
