import type { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WORKER_ANNOUNCEMENTS } from "../../contract/index.ts";
import { connectRedis } from "../connect-redis.ts";
import { RedisFixture } from "../redis.fixture.ts";
import { WIDTH_MIN, WorkerCapacity, widthFor } from "./worker-capacity.ts";

let server: RedisFixture;
let redis: Redis;
const lines: string[] = [];
const logger = pino({ level: "debug" }, { write: (line) => void lines.push(line) });
beforeAll(async () => {
  server = await RedisFixture.start();
  redis = await connectRedis(server.socket, "command", logger);
});
afterAll(async () => {
  redis.disconnect();
  await server.end();
});
beforeEach(() => redis.del(WORKER_ANNOUNCEMENTS));

async function widthNow(): Promise<number> {
  let width = 0;
  await new WorkerCapacity(redis, (value) => (width = value), logger).refresh();
  return width;
}
const announce = (id: string, value: unknown) =>
  redis.hset(WORKER_ANNOUNCEMENTS, id, typeof value === "string" ? value : JSON.stringify(value));

describe("WorkerCapacity", () => {
  it("is the workers' sum and a quarter more", async () => {
    await announce("one", { concurrency: 32, untilMs: Date.now() + 10_000 });
    await announce("two", { concurrency: 8, untilMs: Date.now() + 10_000 });
    expect(await widthNow()).toBe(50);
  });

  it("is a small number while nobody says anything", async () => {
    expect(await widthNow()).toBe(WIDTH_MIN);
  });

  it("always lets a worker find one more than it runs", () => {
    for (let n = 1; n < 100; n += 1) expect(widthFor(n)).toBeGreaterThanOrEqual(n + 2);
  });

  it("forgets those that died or cannot be read, and says so of the latter", async () => {
    await announce("dead", { concurrency: 32, untilMs: Date.now() - 1 });
    await announce("odd", "{nope");
    await announce("wrong", { concurrency: -5, untilMs: Date.now() + 10_000 });
    await announce("lives", { concurrency: 4, untilMs: Date.now() + 10_000 });
    expect(await widthNow()).toBe(6);
    expect(await redis.hkeys(WORKER_ANNOUNCEMENTS)).toEqual(["lives"]);
    expect(lines.filter((line) => line.includes("wrong form"))).toHaveLength(2);
  });
});
