import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANNOUNCE, WORKER_ANNOUNCEMENTS, workerAnnouncement } from "../contract/index.ts";
import { type RunningRedis, startRedis } from "../infra/start-redis.ts";
import { announce } from "./announce.ts";
import { connectRedis } from "./connect-redis.ts";

const logger = pino({ level: "silent" });
let root: string;
let server: RunningRedis;
let redis: Redis;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mayfly-announce-"));
  await chmod(root, 0o755);
  server = await startRedis({
    folder: join(root, "redis"),
    socketPath: join(root, "run", "redis.sock"),
    logFile: join(root, "redis.log"),
  });
  redis = connectRedis(server.socketPath);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(root, { recursive: true });
});

const announcements = async () =>
  (await redis.hvals(WORKER_ANNOUNCEMENTS)).map((json) => workerAnnouncement.parse(JSON.parse(json)));

describe("announce()", () => {
  it("is in Redis when it resolves, is renewed, and is taken back", async () => {
    const announcer = await announce(redis, 32, logger);
    const [first] = await announcements();
    expect(first?.concurrency).toBe(32);
    expect(await redis.pttl(WORKER_ANNOUNCEMENTS)).toBeGreaterThan(ANNOUNCE.everyMs);

    await expect
      .poll(async () => (await announcements())[0]?.untilMs, { timeout: 10_000 })
      .toBeGreaterThan(first?.untilMs ?? 0);
    await announcer.stop();
    expect(await announcements()).toEqual([]);
  });

  it("counts each worker", async () => {
    const announcers = [await announce(redis, 1, logger), await announce(redis, 2, logger)];
    expect((await announcements()).map(({ concurrency }) => concurrency).sort()).toEqual([1, 2]);
    for (const announcer of announcers) await announcer.stop();
  });
});
