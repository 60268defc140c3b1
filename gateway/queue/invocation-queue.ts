/** The gateway's side of the BullMQ queue; no other module of the gateway knows BullMQ. */
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { INVOCATION_QUEUE, type InvocationJob, MayflyError } from "../../contract/index.ts";

export class InvocationQueue {
  readonly #queue: Queue<InvocationJob>;
  readonly #redis: Redis;

  /** `redis` is a ready `command` connection (connect-redis.ts): calls fail at once when Redis is away. */
  constructor(redis: Redis) {
    this.#redis = redis;
    this.#queue = new Queue(INVOCATION_QUEUE, {
      connection: redis,
      defaultJobOptions: {
        // A job runs at most once. It holds the event and the environment, so nothing of it stays behind.
        attempts: 1,
        removeOnComplete: true,
        removeOnFail: true,
      },
      // Nobody reads the queue's event stream.
      streams: { events: { maxLen: 1 } },
    });
    // connect-redis.ts logs the same errors.
    this.#queue.on("error", () => {});
  }

  /** Without a round trip: so that nobody waits for a turn that cannot come. */
  assertReady(): void {
    if (this.#redis.status !== "ready") unavailable(new Error(`the connection is ${this.#redis.status}`));
  }

  /** One round trip. Errors, of all methods: QUEUE_UNAVAILABLE. */
  async add(job: InvocationJob): Promise<void> {
    await this.#queue.add("invocation", job, { jobId: job.invocationId }).catch(unavailable);
  }

  /**
   * Takes a job off the queue if no worker has taken it. Resolves to whether it did.
   * BullMQ's remove() refuses a job that a worker has locked, but reports success for one that is gone already;
   * hence the look at its state first.
   */
  async withdraw(invocationId: string): Promise<boolean> {
    const state = await this.#queue.getJobState(invocationId).catch(unavailable);
    if (state !== "waiting") return false;
    return (await this.#queue.remove(invocationId).catch(unavailable)) === 1;
  }

  /** How many jobs no worker has taken yet. */
  async waitingCount(): Promise<number> {
    return this.#queue.getWaitingCount().catch(unavailable);
  }

  /** How many workers are connected to Redis and consume this queue, by the names of their connections. */
  async workerCount(): Promise<number> {
    return this.#queue.getWorkersCount().catch(unavailable);
  }

  /** Leaves the connection open: it belongs to who made it. */
  async close(): Promise<void> {
    await this.#queue.close();
  }
}

function unavailable(cause: unknown): never {
  throw new MayflyError("QUEUE_UNAVAILABLE", {
    message: "Cannot use the queue: Redis does not answer",
    cause,
  });
}
