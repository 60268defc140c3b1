import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decodeReply, INVOCATION_QUEUE, replyList, WORKER_ANNOUNCEMENTS } from "../contract/index.ts";
import { type RunningRedis, startRedis } from "../infra/start-redis.ts";
import type { Teardown } from "../pool/sandbox.ts";
import { connectRedis } from "./connect-redis.ts";
import { type ConsumeOptions, consume } from "./consume.ts";
import { answer, jobOf, poolOf, type ScriptedSandbox, scriptedSandbox } from "./pool.fixture.ts";
import { runInvocation } from "./run-invocation.ts";
import { settle } from "./settle.ts";

const logger = pino({ level: "silent" });
let root: string;
let server: RunningRedis;
let redis: Redis;
let queue: Queue;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mayfly-consume-"));
  await chmod(root, 0o755);
  server = await startRedis({
    folder: join(root, "redis"),
    socketPath: join(root, "run", "redis.sock"),
    logFile: join(root, "redis.log"),
  });
  redis = connectRedis(server.socketPath);
  queue = new Queue(INVOCATION_QUEUE, { connection: redis });
});
afterAll(async () => {
  await queue.close();
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true });
});
beforeEach(() => redis.flushall());

const bundles = { open: async () => ({ folder: "/unpacked", release() {} }) };

function start(sandbox: ScriptedSandbox, changes: Partial<ConsumeOptions> = {}) {
  return consume({
    redis,
    concurrency: 2,
    logger,
    run: (job) => runInvocation(job, { pool: poolOf(sandbox), bundles, volumes: new Map(), logger }),
    settle: (invocation) => settle(invocation, { redis, logger }),
    ...changes,
  });
}

/** Blocks on a connection of its own until a reply arrives. */
async function nextReply(gatewayId: string) {
  const waiting = redis.duplicate();
  const popped = await waiting.blpopBuffer(replyList(gatewayId), 10);
  waiting.disconnect();
  return decodeReply(popped?.[1] ?? Buffer.alloc(0));
}

describe("consume()", () => {
  test("answers the gateway that asked and leaves nothing of the job in Redis", async () => {
    const sandbox = scriptedSandbox(answer('{"hi":1}'));
    const consumer = await start(sandbox);
    await queue.add("invocation", jobOf({ gatewayId: "g1" }));
    expect(await nextReply("g1")).toMatchObject({ verdict: "ok", body: Buffer.from('{"hi":1}') });
    await consumer.close();
    expect(sandbox.calls.at(-1)).toBe("destroy");
    expect(await queue.getJobCounts("wait", "active", "completed", "failed")).toEqual({
      wait: 0,
      active: 0,
      completed: 0,
      failed: 0,
    });
  });

  test("tells the gateway how many it takes at a time, as long as it takes any", async () => {
    const consumer = await start(scriptedSandbox(answer("1")), { concurrency: 5 });
    expect((await redis.hvals(WORKER_ANNOUNCEMENTS)).map((json) => JSON.parse(json).concurrency)).toEqual([
      5,
    ]);
    await consumer.close();
    expect(await redis.hvals(WORKER_ANNOUNCEMENTS)).toEqual([]);
  });

  test("the answer leaves before the teardown ends", async () => {
    const teardown = Promise.withResolvers<Teardown>();
    const sandbox = { ...scriptedSandbox(answer("1")), destroy: () => teardown.promise };
    const consumer = await start(sandbox);
    await queue.add("invocation", jobOf({ gatewayId: "g2" }));
    expect((await nextReply("g2"))?.verdict).toBe("ok");
    teardown.resolve({ killedUs: 1, emptiedUs: 1, removedUs: 2, leaked: false });
    await consumer.close();
  });

  test("begins each job of a burst as it arrives, not when the last one has", async () => {
    const ids = Array.from({ length: 6 }, (_, n) => `0196f1e0-7d2c-7000-8000-00000000001${n}`);
    for (const invocationId of ids) await queue.add("invocation", jobOf({ gatewayId: "g5", invocationId }));
    let scripts = 0;
    const send = redis.sendCommand;
    redis.sendCommand = function (this: Redis, command, ...more) {
      if (command.name === "evalsha") scripts += 1;
      return send.call(this, command, ...more);
    } as Redis["sendCommand"];
    try {
      const sandbox = scriptedSandbox(answer("1"));
      const mayEnd = Promise.withResolvers<void>();
      const scriptsAtStart: number[] = [];
      const consumer = await start(sandbox, {
        concurrency: 8,
        run: async (job) => {
          scriptsAtStart.push(scripts);
          if (scriptsAtStart.length === ids.length) mayEnd.resolve();
          await mayEnd.promise;
          return runInvocation(job, { pool: poolOf(sandbox), bundles, volumes: new Map(), logger });
        },
      });
      for (const _ of ids) expect((await nextReply("g5"))?.verdict).toBe("ok");
      await consumer.close();
      // Each was taken by one script, and no other was sent before it began.
      const [first = 0] = scriptsAtStart;
      expect(scriptsAtStart).toEqual(ids.map((_, n) => first + n));
    } finally {
      redis.sendCommand = send;
    }
  });

  test("refuses a job of the wrong form, and tells the gateway that waits for it", async () => {
    const sandbox = scriptedSandbox(answer("1"));
    const consumer = await start(sandbox);
    await queue.add("invocation", { ...jobOf({ gatewayId: "g3" }), bundleDigest: "../../etc/passwd" });
    expect((await nextReply("g3"))?.verdict).toBe("internal");
    await consumer.close();
    expect(sandbox.calls).toEqual([]);
  });

  test("calls a job whose worker died worker_lost and does not run it again", async () => {
    // A worker takes the job and its lock, and is never heard of again.
    const { Worker } = await import("bullmq");
    const dead = new Worker(INVOCATION_QUEUE, null, { connection: redis });
    await queue.add("invocation", jobOf({ gatewayId: "g4" }));
    const taken = await dead.getNextJob("dead-worker");
    await redis.del(`${queue.toKey(taken.id ?? "")}:lock`);
    await dead.close(true);
    // What an earlier stalled check noted: this job was active then.
    await redis.sadd(queue.toKey("stalled"), taken.id ?? "");
    await redis.del(queue.toKey("stalled-check"));

    const sandbox = scriptedSandbox(answer("1"));
    const consumer = await start(sandbox);
    expect((await nextReply("g4"))?.verdict).toBe("worker_lost");
    await consumer.close();
    expect(sandbox.calls).toEqual([]);
  });
});
