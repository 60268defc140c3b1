import { chmod, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HOST_IDS } from "../contract/index.ts";
import { startRedis } from "./start-redis.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mayfly-redis-"));
});
afterEach(() => rm(root, { recursive: true }));

const optionsBelow = (folder: string) => ({
  folder: join(folder, "redis"),
  socketPath: join(folder, "run", "redis.sock"),
  logFile: join(folder, "redis.log"),
});

test("startRedis() listens on its socket as an unprivileged user and keeps data over a restart", async () => {
  await chmod(root, 0o755);
  const first = await startRedis(optionsBelow(root));
  const client = new Redis({ path: first.socketPath });
  await client.set("kept", "yes");
  expect((await stat(first.socketPath)).uid).toBe(HOST_IDS.redisUid);
  expect(await client.config("GET", "port")).toEqual(["port", "0"]);
  client.disconnect();
  await first.stop();
  expect(await readdir(join(root, "run"))).toEqual([]);

  const second = await startRedis(optionsBelow(root));
  const again = new Redis({ path: second.socketPath });
  expect(await again.get("kept")).toBe("yes");
  again.disconnect();
  await second.stop();
});

test("startRedis() repeats the last words of a Redis that ends at once", async () => {
  // The folder that mkdtemp made is for root alone, so that Redis cannot reach its own.
  await expect(startRedis(optionsBelow(root))).rejects.toThrow(
    /Cannot start Redis: it ended with code 1: .*ermission/,
  );
});

test("startRedis() refuses a socket path that is too long for the kernel", async () => {
  const options = { ...optionsBelow(root), socketPath: join(root, "x".repeat(100), "redis.sock") };
  await expect(startRedis(options)).rejects.toThrow(/longer than 107 bytes/);
});
