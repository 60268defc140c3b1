/** Functions kept initialised, with a real Redis and real sandboxes. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type InvocationJob,
  PREWARM_CHANGED,
  PREWARM_FUNCTIONS,
  prewarmFunction,
} from "../contract/index.ts";
import { type RunningRedis, startRedis } from "../infra/start-redis.ts";
import {
  bundleFolder,
  type Leftovers,
  leftovers,
  openPool,
  removeFolder,
} from "../pool/linux-pool.fixture.ts";
import type { SandboxPool } from "../pool/sandbox.ts";
import { connectRedis } from "./connect-redis.ts";
import { jobOf } from "./pool.fixture.ts";
import { Prewarmer } from "./prewarmer.ts";
import { runInvocation } from "./run-invocation.ts";

const INSTANCE = "test-prewarmer";
const logger = pino({ level: "silent" });
/** Says when it was loaded, by which of its environments, and how often it was called since. */
const FUNCTION = `
  const loadedAtMs = performance.timeOrigin + performance.now();
  const { COLOUR } = process.env;
  const early = process.env.MAYFLY_INVOCATION_ID;
  let calls = 0;
  exports.handler = async () =>
    ({ loadedAtMs, COLOUR, early, calls: ++calls, id: process.env.MAYFLY_INVOCATION_ID });`;

let root: string;
let server: RunningRedis;
let redis: Redis;
let folder: string;
let before: Leftovers;
let pool: SandboxPool;
let prewarmer: Prewarmer;
const released: string[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mayfly-prewarmer-"));
  await chmod(root, 0o755);
  server = await startRedis({
    folder: join(root, "redis"),
    socketPath: join(root, "run", "redis.sock"),
    logFile: join(root, "redis.log"),
  });
  redis = connectRedis(server.socketPath);
  await redis.ping();
  folder = bundleFolder({ "index.cjs": FUNCTION, "broken.cjs": "throw new Error('not today');" });
  before = leftovers(INSTANCE);
  pool = await openPool(INSTANCE, 1);
  const bundles = {
    open: async (digest: string) => ({ folder, release: () => void released.push(digest) }),
  };
  prewarmer = new Prewarmer({ redis, pool, bundles, volumes: new Map(), logger });
});

afterEach(async () => {
  await redis.del(PREWARM_FUNCTIONS);
  await redis.publish(PREWARM_CHANGED, "all");
  await vi.waitFor(() => expect(prewarmed()).toEqual([]), { timeout: 10_000 });
});

afterAll(async () => {
  await prewarmer.close();
  await pool.close();
  await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 10_000 });
  redis.disconnect();
  await server.stop();
  removeFolder(folder);
  await rm(root, { recursive: true });
});

const prewarmed = () => pool.stats().filter(({ functionName }) => functionName !== undefined);

async function deploy(job: InvocationJob, prewarm: number): Promise<void> {
  const spec = prewarmFunction.strip().parse({ ...job, prewarm });
  await redis.hset(PREWARM_FUNCTIONS, job.functionName, JSON.stringify(spec));
  await redis.publish(PREWARM_CHANGED, job.functionName);
}

/** Invocations in quick succession make the pool grow beyond what was asked for. */
const untilParked = (parked: number) =>
  vi.waitFor(
    () => {
      expect(prewarmed()).toHaveLength(1);
      expect(prewarmed()[0]?.functionName).toBe("hello");
      expect(prewarmed()[0]?.parked).toBeGreaterThanOrEqual(parked);
    },
    { timeout: 10_000 },
  );

const freshJob = (changes: Partial<InvocationJob> = {}) =>
  jobOf({ enqueuedAtMs: Date.now(), startBeforeMs: Date.now() + 10_000, ...changes });

/** What an invocation answered, and how long its code took to load. */
async function invoke(job: InvocationJob) {
  const bundles = { open: async () => ({ folder, release() {} }) };
  const judged = await runInvocation(job, { pool, bundles, volumes: new Map(), prewarmer, logger });
  await judged.sandbox?.destroy();
  const { reply } = judged;
  return { reply, body: reply.body && JSON.parse(reply.body.toString()) };
}

describe("Prewarmer", () => {
  test("an invocation gets code that was loaded before it came, in a sandbox used once", async () => {
    const job = freshJob({ environment: { COLOUR: "red" } });
    await deploy(job, 2);
    await untilParked(2);
    const askedAtMs = Date.now();
    for (const invocationId of [
      "0196f1e0-7d2c-7000-8000-00000000000a",
      "0196f1e0-7d2c-7000-8000-00000000000b",
    ]) {
      const { body, reply } = await invoke({ ...job, invocationId });
      expect(body).toMatchObject({ COLOUR: "red", calls: 1, id: invocationId });
      expect(body.early).toBeUndefined();
      expect(body.loadedAtMs).toBeLessThan(askedAtMs);
      expect(reply.timings.initMs).toBeUndefined();
    }
    await untilParked(2);
  });

  test("an invocation of another deployment gets its own code, and a new deployment replaces the old", async () => {
    const red = freshJob({ environment: { COLOUR: "red" } });
    const blue = freshJob({ environment: { COLOUR: "blue" } });
    await deploy(red, 1);
    await untilParked(1);
    const { body, reply } = await invoke(blue);
    expect(body.COLOUR).toBe("blue");
    expect(reply.timings.initMs).toBeGreaterThan(0);
    released.length = 0;
    await deploy(blue, 1);
    await vi.waitFor(() => expect(released).toEqual([red.bundleDigest]), { timeout: 10_000 });
    await untilParked(1);
    const later = await invoke(blue);
    expect(later.body.COLOUR).toBe("blue");
    expect(later.reply.timings.initMs).toBeUndefined();
  });

  test("code that does not load takes nothing away: its invocations say so", async () => {
    const job = freshJob({ handler: "broken.handler" });
    await deploy(job, 1);
    await vi.waitFor(() => expect(prewarmed()).toMatchObject([{ functionName: "hello" }]));
    const { reply } = await invoke(job);
    expect(reply).toMatchObject({ verdict: "init_error", fault: { message: "not today" } });
  });

  test("what has the wrong form is passed over, and the rest is kept", async () => {
    await redis.hset(PREWARM_FUNCTIONS, "other", "{}");
    await deploy(freshJob(), 1);
    await untilParked(1);
  });
});
