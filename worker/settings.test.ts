import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("readSettings() takes a socket or a URL and fills in the rest", () => {
  const settings = readSettings({ MAYFLY_REDIS: "/run/redis.sock", MAYFLY_DATA_DIR: "/data" });
  expect(settings).toMatchObject({
    instance: "main",
    concurrency: 32,
    pool: { floor: 8, ceiling: 64 },
    maxSandboxes: 96,
  });
  expect(settings.volumes.size).toBe(0);
  expect(settings.packedFolder).toBe("/data/bundles");
});

test("readSettings() allows egress only when it is told to, with a range of its own", () => {
  const needed = { MAYFLY_REDIS: "/run/redis.sock", MAYFLY_DATA_DIR: "/data" };
  expect(readSettings(needed).egress).toBeUndefined();
  expect(
    readSettings({ ...needed, MAYFLY_EGRESS: "on", MAYFLY_EGRESS_DENY: "8.8.8.8, 9.9.0.0/16" }).egress,
  ).toEqual({
    range: "100.64.128.0/17",
    resolver: undefined,
    deny: ["8.8.8.8", "9.9.0.0/16"],
    target: { floor: 2, ceiling: 64 },
  });
  const wrong = {
    MAYFLY_EGRESS: "yes",
    MAYFLY_EGRESS_CIDR: "10.0.0.0/30",
    MAYFLY_EGRESS_DNS: "127.0.0.53",
    MAYFLY_EGRESS_DENY: "10.0.0.0/8,example.com",
  };
  expect(() => readSettings({ ...needed, ...wrong })).toThrow(
    /MAYFLY_EGRESS: .*MAYFLY_EGRESS_CIDR: .*MAYFLY_EGRESS_DNS: .*MAYFLY_EGRESS_DENY/,
  );
});

test("readSettings() names every variable at fault at once", () => {
  const variables = { MAYFLY_REDIS: "localhost:6379", MAYFLY_DATA_DIR: "data", MAYFLY_CONCURRENCY: "many" };
  expect(() => readSettings(variables)).toThrow(/MAYFLY_REDIS.*MAYFLY_DATA_DIR.*MAYFLY_CONCURRENCY/);
});

test("readSettings() names every volume at fault", () => {
  const variables = {
    MAYFLY_REDIS: "/run/redis.sock",
    MAYFLY_DATA_DIR: "/data",
    MAYFLY_VOLUMES: "a=/nope:ro,b,c=/tmp:rw",
  };
  expect(() => readSettings(variables)).toThrow(/"a=\/nope:ro" names a folder.*"b" must look like/);
  expect(readSettings({ ...variables, MAYFLY_VOLUMES: "c=/tmp:rw" }).volumes.get("c")).toEqual({
    folder: "/tmp",
    readOnly: false,
  });
});

test("readSettings() refuses a pool whose most is below its least", () => {
  expect(() =>
    readSettings({ MAYFLY_REDIS: "/r", MAYFLY_DATA_DIR: "/d", MAYFLY_POOL_MIN: "9", MAYFLY_POOL_MAX: "8" }),
  ).toThrow("MAYFLY_POOL_MAX: must not be below MAYFLY_POOL_MIN (9)");
});
