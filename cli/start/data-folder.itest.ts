import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HOST_IDS } from "../../contract/index.ts";
import { prepareDataFolder } from "./data-folder.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "mayfly-data-"));
});
afterEach(() => rm(parent, { recursive: true }));

test("prepareDataFolder() makes an API key once, for the gateway's eyes only", async () => {
  await chmod(parent, 0o755);
  const first = await prepareDataFolder(join(parent, "data"));
  expect(first.apiKey).toMatch(/^mf_[\w-]{43}$/);
  const { mode, uid } = await stat(first.apiKeyFile);
  expect(mode & 0o777).toBe(0o600);
  expect(uid).toBe(HOST_IDS.gatewayUid);
  expect((await prepareDataFolder(first.root)).apiKey).toBe(first.apiKey);
});

test("prepareDataFolder() refuses a folder that the gateway could not reach, and says which one is closed", async () => {
  await chmod(parent, 0o700);
  await expect(prepareDataFolder(join(parent, "data"))).rejects.toThrow(`${parent} is closed to Mayfly's`);
});
