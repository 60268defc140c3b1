/** Compiled code, made by one sandbox and read by others. The bundle is a library of real size: zod. */
import { cpSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { InvocationJob } from "../contract/index.ts";
import {
  bundleFolder,
  type Leftovers,
  leftovers,
  openPool,
  removeFolder,
} from "../pool/linux-pool.fixture.ts";
import type { SandboxPool } from "../pool/sandbox.ts";
import { CodeStore } from "./code-store.ts";
import { jobOf } from "./pool.fixture.ts";
import { runInvocation } from "./run-invocation.ts";

const INSTANCE = "test-code-store";
const logger = pino({ level: "silent" });
const FUNCTION = `
  const { z } = require("zod");
  const { getCompileCacheDir } = require("module");
  const fs = require("fs");
  exports.handler = (event) => {
    let write = "done";
    try { fs.writeFileSync("/var/code/x", "x"); } catch (error) { write = error.code; }
    const dir = getCompileCacheDir() ?? null;
    return { parsed: z.object({ a: z.number() }).parse(event), dir, files: dir && fs.readdirSync(dir).length, write };
  };`;

let folder: string;
let codeFolder: string;
let before: Leftovers;
let pool: SandboxPool;
let codes: CodeStore;
const bundles = { open: async () => ({ folder, release() {} }) };

beforeAll(async () => {
  folder = bundleFolder({
    "index.cjs": FUNCTION,
    "small.cjs": "exports.handler = () => require('module').getCompileCacheDir() ?? null;",
    "broken.cjs": "throw new Error('not today');",
  });
  cpSync("node_modules/zod", join(folder, "node_modules/zod"), { recursive: true });
  codeFolder = mkdtempSync(join(tmpdir(), "mayfly-code-"));
  before = leftovers(INSTANCE);
  pool = await openPool(INSTANCE, 1);
});

beforeEach(async () => {
  writeFileSync(join(codeFolder, "left-by-a-crash"), "");
  codes = await CodeStore.open({ pool, bundles, folder: codeFolder, logger });
});

afterAll(async () => {
  await codes.close();
  await pool.close();
  await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 10_000 });
  removeFolder(folder);
  await rm(codeFolder, { recursive: true });
});

async function invoke(changes: Partial<InvocationJob> = {}) {
  const job = jobOf({
    event: '{"a":1}',
    enqueuedAtMs: Date.now(),
    startBeforeMs: Date.now() + 10_000,
    ...changes,
  });
  const judged = await runInvocation(job, { pool, bundles, volumes: new Map(), codes, logger });
  await judged.sandbox?.destroy();
  const { reply } = judged;
  return { reply, body: reply.body && JSON.parse(reply.body.toString()) };
}

test("the first invocation compiles for itself; later ones find the code, read-only", async () => {
  expect(readdirSync(codeFolder)).toEqual([]);
  const first = await invoke();
  expect(first.body).toEqual({ parsed: { a: 1 }, dir: null, files: null, write: "EROFS" });
  await codes.settled;
  expect(readdirSync(codeFolder)).toHaveLength(1);
  const second = await invoke();
  expect(second.body).toMatchObject({ parsed: { a: 1 }, write: "EROFS" });
  expect(second.body.dir).toMatch(/^\/var\/code\//);
  expect(second.body.files).toBeGreaterThan(10);
});

test("code belongs to one deployment: another environment, another code", async () => {
  await invoke({ environment: { COLOUR: "red" } });
  await codes.settled;
  expect((await invoke({ environment: { COLOUR: "blue" } })).body.dir).toBeNull();
  await codes.settled;
  expect(readdirSync(codeFolder)).toHaveLength(2);
});

test("what loads fast, and what does not load, is left as it is", async () => {
  await invoke({ handler: "small.handler" });
  expect((await invoke({ handler: "broken.handler" })).reply.verdict).toBe("init_error");
  await codes.settled;
  expect(readdirSync(codeFolder)).toEqual([]);
  expect((await invoke({ handler: "small.handler" })).body).toBeNull();
  expect((await invoke({ handler: "broken.handler" })).reply.verdict).toBe("init_error");
});

test("a closed store makes no more", async () => {
  await codes.close();
  await invoke({ environment: { COLOUR: "late" } });
  await codes.settled;
  expect(readdirSync(codeFolder)).toEqual([]);
});
