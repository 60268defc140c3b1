/**
 * Takes jobs off the queue: the only place of the worker that knows BullMQ. main.ts starts it.
 *
 * At most once: a job is never started twice. Its lock is renewed while it runs; when a worker dies, the lock
 * expires, and the next stalled check (of any worker) fails the job instead of running it again
 * (`maxStalledCount: 0`). Whoever meets that failure tells the waiting gateway `worker_lost`.
 */
import { type Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { INVOCATION_QUEUE, type InvocationJob, invocationJob, invocationReply } from "../contract/index.ts";
import { unixMs } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { contextOf, failSpan, inSpan, recordSpan, SpanKind } from "../telemetry/tracing.ts";
import { announce } from "./announce.ts";
import type { JudgedInvocation } from "./run-invocation.ts";
import { sendReply } from "./settle.ts";

/** Long against a pause of the event loop, short against a caller's patience. */
const LOCK_MS = 30_000;
const STALLED_CHECK_MS = 15_000;

export interface ConsumeOptions {
  redis: Redis;
  concurrency: number;
  logger: Logger;
  run(job: InvocationJob): Promise<JudgedInvocation>;
  settle(invocation: JudgedInvocation): Promise<{ teardown: Promise<void> }>;
}

export interface Consumer {
  /** Jobs in hand: taken and not settled. */
  readonly running: number;
  /** Takes no more jobs; resolves when those in hand are settled and their sandboxes are gone. */
  close(): Promise<void>;
}

/** Resolves when it is connected, takes jobs and has told the gateway how many at a time. */
export async function consume(options: ConsumeOptions): Promise<Consumer> {
  const { redis, concurrency, logger } = options;
  const teardowns = new Set<Promise<void>>();
  /** By the job's id, from its arrival until BullMQ asks for it to be processed. */
  const begun = new Map<string | undefined, Promise<void>>();
  let running = 0;

  async function processJob({ id, data }: Job<unknown>): Promise<void> {
    const work = begun.get(id) ?? carryOut(data);
    begun.delete(id);
    await work;
  }

  async function carryOut(data: unknown): Promise<void> {
    running += 1;
    try {
      await carryOutJob(data, unixMs());
    } finally {
      running -= 1;
    }
  }

  async function carryOutJob(data: unknown, takenAtMs: number): Promise<void> {
    const job = invocationJob.safeParse(data);
    if (!job.success) {
      logger.error({ code: "JOB_INVALID", faults: job.error.issues.map(nameOfFault) }, "a job was refused");
      await replyWithoutRunning(data, "internal");
      return;
    }
    const { trace, sentAtMs, invocationId, functionName } = job.data;
    const parent = contextOf(trace);
    recordSpan("queue", sentAtMs, takenAtMs, { parent });
    const attributes = {
      "messaging.system": "bullmq",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": INVOCATION_QUEUE,
      "messaging.message.id": invocationId,
      "faas.name": functionName,
      "faas.invocation_id": invocationId,
    };
    const { teardown } = await inSpan(
      `process ${INVOCATION_QUEUE}`,
      { kind: SpanKind.CONSUMER, parent, attributes },
      async (span) => {
        const judged = await options.run(job.data);
        const { verdict } = judged.reply;
        span.setAttribute("mayfly.verdict", verdict);
        if (verdict !== "ok") failSpan(span, verdict);
        return await options.settle(judged);
      },
    );
    teardowns.add(teardown);
    void teardown.finally(() => teardowns.delete(teardown));
  }

  /** Tells the gateway, if what is left of the job says which one waits. */
  async function replyWithoutRunning(data: unknown, verdict: "internal" | "worker_lost"): Promise<void> {
    const { gatewayId, invocationId } = (data ?? {}) as Partial<InvocationJob>;
    const reply = invocationReply.safeParse({ invocationId, verdict, timings: {} });
    if (reply.success && typeof gatewayId === "string") await sendReply(redis, gatewayId, reply.data);
  }

  const worker = new Worker<unknown, void>(INVOCATION_QUEUE, processJob, {
    connection: redis,
    concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: 0,
    maxStartedAttempts: 1,
    // Jobs hold events and environments: none stays in Redis.
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  /*
   * In a burst BullMQ fetches one job after the other until it has `concurrency` of them, and only then processes the
   * first. This event comes with each job. What BullMQ will fail instead (its worker was lost) is not begun.
   */
  worker.on("active", (job) => {
    if (job.attemptsStarted !== 1 || job.deferredFailure !== undefined) return;
    const work = carryOut(job.data);
    // processJob() awaits it, and fails with it.
    work.catch(() => {});
    begun.set(job.id, work);
  });
  worker.on("error", (error) => logger.error({ err: error }, "the queue reported an error"));
  // processJob() never throws for what a job does, so that a failed job is one whose worker was lost.
  worker.on("failed", (job, error) => {
    logger.error({ jobId: job?.id, reason: error.message }, "an invocation was lost with its worker");
    replyWithoutRunning(job?.data, "worker_lost").catch((err) =>
      logger.error({ err }, "a reply could not be sent"),
    );
  });
  await worker.waitUntilReady();
  const announcer = await announce(redis, concurrency, logger);

  return {
    get running() {
      return running;
    },
    async close() {
      /* Not awaited: Redis may be away. */
      void announcer.stop();
      await worker.close();
      await Promise.all(teardowns);
    },
  };
}

/** The place and kind of a fault; never the value, which may be a secret. */
function nameOfFault(issue: { path: PropertyKey[]; code: string }): string {
  return `${issue.path.join(".")}: ${issue.code}`;
}
