import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("readSettings() takes a socket or a URL and fills in the rest", () => {
  const settings = readSettings({ MAYFLY_REDIS: "/run/redis.sock", MAYFLY_DATA_DIR: "/data" });
  expect(settings).toMatchObject({ instance: "main", concurrency: 32, poolTarget: 8, maxSandboxes: 40 });
  expect(settings.packedFolder).toBe("/data/bundles");
});

test("readSettings() names every variable at fault at once", () => {
  const variables = { MAYFLY_REDIS: "localhost:6379", MAYFLY_DATA_DIR: "data", MAYFLY_CONCURRENCY: "many" };
  expect(() => readSettings(variables)).toThrow(/MAYFLY_REDIS.*MAYFLY_DATA_DIR.*MAYFLY_CONCURRENCY/);
});
