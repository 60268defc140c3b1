/** For tests: the whole gateway but its process, on a real Redis, and a worker that answers by the contract. */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { pino } from "pino";
import {
  encodeReply,
  INVOCATION_QUEUE,
  type InvocationJob,
  type InvocationReply,
  invocationJob,
  LIMITS,
  replyList,
} from "../contract/index.ts";
import { BundlePacker } from "./bundles/bundle-packer.ts";
import { BundleStore } from "./bundles/bundle-store.ts";
import { connectRedis } from "./connect-redis.ts";
import { createApp } from "./create-app.ts";
import { Admission, type AdmissionLimits } from "./queue/admission.ts";
import { InvocationQueue } from "./queue/invocation-queue.ts";
import { Invoker, type InvokerLimits } from "./queue/invoker.ts";
import { ReplyInbox } from "./queue/reply-inbox.ts";
import { RedisFixture } from "./redis.fixture.ts";
import { FunctionRegistry } from "./registry/function-registry.ts";
import { LayerRegistry } from "./registry/layer-registry.ts";

/** `width`: how many invocations may be out at workers at a time; what those announce is not read. */
export type GatewayLimits = InvokerLimits & AdmissionLimits & { width: number };

export const API_KEY = "a-key-for-the-tests-only";

export type RequestBody = string | Uint8Array<ArrayBuffer> | FormData;

type Answer = (job: InvocationJob) => Partial<InvocationReply> | Promise<Partial<InvocationReply>>;

export async function startGateway(changes: Partial<GatewayLimits> = {}) {
  const limits: GatewayLimits = { ...LIMITS, width: 16, ...changes };
  const redisServer = await RedisFixture.start();
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line) => void lines.push(line) });
  const redis = await connectRedis(redisServer.socket, "command", logger);
  const inbox = new ReplyInbox(await connectRedis(redisServer.socket, "blocking", logger), logger);
  const queue = new InvocationQueue(redis);
  const registry = new FunctionRegistry(redis);
  const layers = new LayerRegistry(redis);
  const store = new BundleStore(redisServer.folder);
  const packer = await BundlePacker.start();
  const admission = new Admission(limits.width, limits);
  const app = createApp({
    apiKey: API_KEY,
    packer,
    store,
    registry,
    layers,
    invoker: new Invoker({ queue, inbox, admission, logger }, limits),
    workerCount: () => queue.workerCount(),
    isStopping: () => false,
    logger,
  });
  const workers: Worker[] = [];
  const connections: Redis[] = [];

  /** A worker that answers each job by `answer`; what that leaves out is filled in. */
  async function startWorker(answer: Answer): Promise<void> {
    const blocking = new Redis(redisServer.socket, { maxRetriesPerRequest: null });
    const replies = new Redis(redisServer.socket);
    const worker = new Worker(
      INVOCATION_QUEUE,
      async (bullJob) => {
        const job = invocationJob.parse(bullJob.data);
        const reply: InvocationReply = {
          invocationId: job.invocationId,
          verdict: "ok",
          timings: {},
          ...(await answer(job)),
        };
        await replies.rpush(replyList(job.gatewayId), encodeReply(reply));
      },
      { connection: blocking, concurrency: 16 },
    );
    worker.on("error", () => {});
    for (const connection of [blocking, replies]) connection.on("error", () => {});
    workers.push(worker);
    connections.push(blocking, replies);
    await worker.waitUntilReady();
  }

  return {
    app,
    admission,
    queue,
    redis,
    redisServer,
    registry,
    layers,
    store,
    startWorker,
    /** All that was logged, as text. */
    log: () => lines.join(""),
    request: (method: string, path: string, body?: RequestBody, headers: Record<string, string> = {}) =>
      app.request(path, { method, headers: { "X-Api-Key": API_KEY, ...headers }, ...(body && { body }) }),
    async stopWorkers(): Promise<void> {
      await Promise.all(workers.splice(0).map((worker) => worker.close(true)));
      for (const connection of connections.splice(0)) connection.disconnect();
    },
    async end(): Promise<void> {
      await this.stopWorkers();
      await inbox.close();
      await queue.close();
      redis.disconnect();
      await packer.close();
      await redisServer.end();
    },
  };
}

export type GatewayFixture = Awaited<ReturnType<typeof startGateway>>;

/** A form for PUT /v1/functions/{name}. */
export function deployment(archive: Buffer, configuration?: unknown): FormData {
  const form = new FormData();
  form.set("bundle", new File([new Uint8Array(archive)], "bundle.zip"));
  if (configuration !== undefined) form.set("configuration", JSON.stringify(configuration));
  return form;
}
