/**
 * How many invocations may be out at workers at a time, from what they announce (contract/worker-announcement.ts).
 * main.ts has it read once a second, beside the invocations: none of them waits for it.
 */
import type { Redis } from "ioredis";
import { WORKER_ANNOUNCEMENTS, type WorkerAnnouncement, workerAnnouncement } from "../../contract/index.ts";
import type { Logger } from "../../telemetry/logger.ts";

/** While no worker has said anything, as in the first second: enough for answers to flow. */
export const WIDTH_MIN = 8;
const SLACK_MIN = 2;
/** Of what they run at a time. */
const SLACK_SHARE = 1 / 4;

export class WorkerCapacity {
  readonly #redis: Redis;
  readonly #logger: Logger;
  readonly #setWidth: (width: number) => void;

  constructor(redis: Redis, setWidth: (width: number) => void, logger: Logger) {
    this.#redis = redis;
    this.#setWidth = setWidth;
    this.#logger = logger;
  }

  /** One round trip. Rejects when Redis is away: then the last width stays. */
  async refresh(): Promise<void> {
    const nowMs = Date.now();
    let concurrency = 0;
    const gone: string[] = [];
    for (const [id, json] of Object.entries(await this.#redis.hgetall(WORKER_ANNOUNCEMENTS))) {
      const announcement = parse(json);
      if (!announcement) this.#logger.warn({ workerId: id }, "A worker's announcement has the wrong form");
      if (announcement && announcement.untilMs >= nowMs) concurrency += announcement.concurrency;
      else gone.push(id);
    }
    this.#setWidth(widthFor(concurrency));
    if (gone.length > 0) await this.#redis.hdel(WORKER_ANNOUNCEMENTS, ...gone);
  }
}

/** Some more than run, so that a worker that ends one finds the next in Redis and never waits for the gateway. */
export function widthFor(concurrency: number): number {
  if (concurrency === 0) return WIDTH_MIN;
  return concurrency + Math.max(SLACK_MIN, Math.ceil(concurrency * SLACK_SHARE));
}

function parse(json: string): WorkerAnnouncement | undefined {
  try {
    return workerAnnouncement.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
