/**
 * The layers, in Redis: hash `mayfly:layers`, name → record as JSON. A function refers to a layer by its digest, taken
 * when the function is deployed, so that replacing or deleting a layer changes nothing for functions that are there.
 */
import type { Redis } from "ioredis";
import { MayflyError } from "../../contract/index.ts";
import { type LayerRecord, layerRecord } from "./layer-record.ts";

const LAYERS = "mayfly:layers";

export class LayerRegistry {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Adds the layer or replaces it; resolves to whether it is new. All methods: QUEUE_UNAVAILABLE when Redis is away. */
  async put(record: LayerRecord): Promise<boolean> {
    return (await this.#redis.hset(LAYERS, record.name, JSON.stringify(record)).catch(unavailable)) === 1;
  }

  /** Errors: LAYER_NOT_FOUND. */
  async get(name: string): Promise<LayerRecord> {
    const json = await this.#redis.hget(LAYERS, name).catch(unavailable);
    if (json === null) throw notFound(name);
    return layerRecord.parse(JSON.parse(json));
  }

  /** All, sorted by name. */
  async list(): Promise<LayerRecord[]> {
    const values = await this.#redis.hvals(LAYERS).catch(unavailable);
    const records = values.map((json) => layerRecord.parse(JSON.parse(json)));
    return records.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Errors: LAYER_NOT_FOUND. */
  async delete(name: string): Promise<void> {
    if ((await this.#redis.hdel(LAYERS, name).catch(unavailable)) === 0) throw notFound(name);
  }

  /** The digests that the names mean now, in their order. Errors: LAYER_UNKNOWN, naming every one that is not there. */
  async resolve(names: string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const values = await this.#redis.hmget(LAYERS, ...names).catch(unavailable);
    const unknown = names.filter((_, index) => values[index] === null);
    if (unknown.length > 0) {
      throw new MayflyError("LAYER_UNKNOWN", {
        message: `Cannot deploy the function: there is no layer ${unknown.map((name) => `"${name}"`).join(", ")}`,
        details: { unknown },
      });
    }
    return values.map((json) => layerRecord.parse(JSON.parse(String(json))).bundleDigest);
  }

  async referencedDigests(): Promise<Set<string>> {
    return new Set((await this.list()).map((layer) => layer.bundleDigest));
  }
}

function notFound(name: string): MayflyError {
  return new MayflyError("LAYER_NOT_FOUND", { message: `No layer has the name "${name}"` });
}

function unavailable(cause: unknown): never {
  throw new MayflyError("QUEUE_UNAVAILABLE", {
    message: "Cannot reach the layers: Redis does not answer",
    cause,
  });
}
