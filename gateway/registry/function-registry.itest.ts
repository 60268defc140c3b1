import type { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { functionConfig } from "../../contract/index.ts";
import { connectRedis } from "../connect-redis.ts";
import { RedisFixture } from "../redis.fixture.ts";
import { functionRecord } from "./function-record.ts";
import { FunctionRegistry } from "./function-registry.ts";

const logger = pino({ level: "silent" });
let server: RedisFixture;
let redis: Redis;
let registry: FunctionRegistry;
beforeAll(async () => {
  server = await RedisFixture.start();
  redis = await connectRedis(server.socket, "command", logger);
});
afterAll(async () => {
  redis.disconnect();
  await server.end();
});
beforeEach(async () => {
  await redis.flushall();
  registry = new FunctionRegistry(redis);
});

const record = (name: string, handler = "index.handler") =>
  functionRecord.parse({
    name,
    ...functionConfig.parse({ handler }),
    bundleDigest: "0".repeat(64),
    bundleBytes: 1,
    updatedAt: new Date().toISOString(),
  });

/** How many commands `act` sent to Redis. */
async function commandsOf(act: () => Promise<unknown>): Promise<number> {
  const processed = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info("stats"))?.[1]);
  const before = await processed();
  await act();
  // One of them is the INFO before.
  return (await processed()) - before - 1;
}

describe("FunctionRegistry.resolve()", () => {
  it("asks Redis for a function once", async () => {
    await registry.put(record("a"));
    expect(await commandsOf(() => registry.resolve("a"))).toBe(1);
    expect(await commandsOf(() => registry.resolve("a"))).toBe(0);
    expect((await registry.resolve("a")).name).toBe("a");
  });

  it("knows a new deployment and a deletion as soon as they are answered", async () => {
    for (let n = 0; n < 50; n += 1) {
      await registry.put(record("a", `file${n}.handler`));
      expect((await registry.resolve("a")).handler).toBe(`file${n}.handler`);
    }
    await registry.delete("a");
    await expect(registry.resolve("a")).rejects.toMatchObject({ code: "FUNCTION_UNKNOWN" });
  });

  it("does not remember what it read while a deployment was under way, however late the answer comes", async () => {
    await registry.put(record("a", "old.handler"));
    const answered = Promise.withResolvers<void>();
    const mayGoOn = Promise.withResolvers<void>();
    const slow = new Proxy(redis, {
      get: (target, key) => {
        if (key !== "hget") return Reflect.get(target, key);
        return async (...args: [string, string]) => {
          const json = await target.hget(...args);
          answered.resolve();
          await mayGoOn.promise;
          return json;
        };
      },
    });
    const own = new FunctionRegistry(slow);
    const before = own.resolve("a");
    await answered.promise;
    await own.put(record("a", "new.handler"));
    mayGoOn.resolve();
    expect((await before).handler).toBe("old.handler");
    expect((await own.resolve("a")).handler).toBe("new.handler");
  });

  it("remembers no function that does not exist", async () => {
    await expect(registry.resolve("a")).rejects.toMatchObject({ code: "FUNCTION_UNKNOWN" });
    await new FunctionRegistry(redis).put(record("a"));
    expect((await registry.resolve("a")).name).toBe("a");
  });

  it("sees what another gateway changed once it has been refreshed", async () => {
    await registry.put(record("a", "old.handler"));
    await registry.resolve("a");
    await registry.refresh();
    await registry.resolve("a");
    await new FunctionRegistry(redis).put(record("a", "new.handler"));
    await registry.refresh();
    expect((await registry.resolve("a")).handler).toBe("new.handler");
  });

  it("keeps what it remembers while nothing changes", async () => {
    await registry.put(record("a"));
    await registry.refresh();
    await registry.resolve("a");
    await registry.refresh();
    expect(await commandsOf(() => registry.resolve("a"))).toBe(0);
  });

  it("forgets all when Redis has lost its data", async () => {
    await registry.put(record("a"));
    await registry.refresh();
    await registry.resolve("a");
    await redis.flushall();
    await registry.refresh();
    await expect(registry.resolve("a")).rejects.toMatchObject({ code: "FUNCTION_UNKNOWN" });
  });
});
