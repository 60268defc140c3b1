import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSettings } from "./settings.ts";

let folder: string;
let keyFile: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mayfly-settings-"));
  keyFile = join(folder, "api-key");
  await writeFile(keyFile, "0123456789abcdef\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const complete = () => ({
  MAYFLY_REDIS: "/run/redis.sock",
  MAYFLY_DATA_DIR: "/var/lib/mayfly",
  MAYFLY_API_KEY_FILE: keyFile,
});

describe("readSettings()", () => {
  it("needs three variables and has defaults for the others", () => {
    expect(readSettings(complete())).toEqual({
      host: "127.0.0.1",
      port: 8480,
      metrics: { host: "127.0.0.1", port: 9464 },
      instance: "main",
      redis: "/run/redis.sock",
      dataDir: "/var/lib/mayfly",
      apiKey: "0123456789abcdef",
      owner: undefined,
      logLevel: "info",
    });
  });

  it("reads a port, an owner and a URL", () => {
    const variables = { MAYFLY_PORT: "0", MAYFLY_UID: "65534", MAYFLY_GID: "1", MAYFLY_REDIS: "redis://h:1" };
    expect(readSettings({ ...complete(), ...variables })).toMatchObject({
      port: 0,
      owner: { uid: 65534, gid: 1 },
      redis: "redis://h:1",
    });
  });

  it("names all faults at once", () => {
    const variables = {
      MAYFLY_PORT: "70000",
      MAYFLY_REDIS: "localhost",
      MAYFLY_API_KEY_FILE: join(folder, "none"),
      MAYFLY_LOG_LEVEL: "loud",
    };
    expect(() => readSettings(variables)).toThrow(
      expect.objectContaining({
        code: "SETTINGS_INVALID",
        details: {
          faults: [
            "MAYFLY_PORT must be at most 65535",
            "MAYFLY_REDIS must be the path of a Unix socket or a redis:// or rediss:// URL",
            "MAYFLY_DATA_DIR is not set",
            expect.stringMatching(/^MAYFLY_LOG_LEVEL /),
            `MAYFLY_API_KEY_FILE (${join(folder, "none")}) cannot be read: ENOENT`,
          ],
        },
      }),
    );
  });

  it("refuses a user without a group", () => {
    expect(() => readSettings({ ...complete(), MAYFLY_UID: "1" })).toThrow("together with MAYFLY_GID");
  });

  it("refuses a short key without showing it", async () => {
    const path = join(folder, "short");
    await writeFile(path, "hunter2");
    const read = () => readSettings({ ...complete(), MAYFLY_API_KEY_FILE: path });
    expect(read).toThrow("at least 16 characters");
    expect(read).not.toThrow("hunter2");
  });
});
