/** 1,000 invocations, 16 at a time: all answered, nothing left, the pool full again, the event loop never held up. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { percentile } from "../loadtest/percentile.ts";
import { native } from "../native/ts/library.ts";
import { bundleFolder, type Leftovers, leftovers, openPool, removeFolder } from "./linux-pool.fixture.ts";
import type { SandboxPool } from "./sandbox.ts";
import { eventHeader, leaseOf } from "./sandbox-contract.ts";

const INSTANCE = "test-thousand";
const INVOCATIONS = 1000;
const AT_A_TIME = 16;
const PARKED = 8;

/**
 * How long the event loop stands still in each call into the kernel: every native function is synchronous, so its
 * duration is what it blocks. (The loop's own lateness, printed beside it, also counts waiting for a core.)
 */
function timeNativeCalls(): number[] {
  const times: number[] = [];
  for (const [name, call] of Object.entries(native) as [string, (...args: unknown[]) => unknown][]) {
    (native as Record<string, unknown>)[name] = (...args: unknown[]) => {
      const start = performance.now();
      const result = call(...args);
      times.push(performance.now() - start);
      return result;
    };
  }
  return times;
}

describe(`${INVOCATIONS} invocations, ${AT_A_TIME} at a time`, () => {
  let before: Leftovers;
  let pool: SandboxPool;
  let folder: string;

  beforeAll(async () => {
    folder = bundleFolder({ "index.mjs": "export const handler = async ({ name }) => ({ hello: name });" });
    before = leftovers(INSTANCE);
    pool = await openPool(INSTANCE, PARKED, PARKED + AT_A_TIME);
  });

  afterAll(async () => {
    await pool.close();
    await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 });
    removeFolder(folder);
  });

  async function invoke(name: string): Promise<number> {
    const start = performance.now();
    const sandbox = await pool.acquire("nodejs24", 30_000);
    try {
      await sandbox.prepare(leaseOf(folder));
      const outcome = await sandbox.run(eventHeader(), Buffer.from(JSON.stringify({ name })), 10_000);
      if (outcome.kind !== "answer") throw new Error(`no answer: ${JSON.stringify(outcome)}`);
      expect(outcome.body.toString()).toBe(`{"hello":"${name}"}`);
      return performance.now() - start;
    } finally {
      void sandbox.destroy();
    }
  }

  it("all are answered, and then as many are parked as before", async () => {
    await vi.waitFor(() => expect(pool.stats()[0]?.parked).toBe(PARKED), { timeout: 10_000 });
    const blocked = timeNativeCalls();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const times: number[] = [];
    let next = 0;
    const start = performance.now();
    const caller = async () => {
      while (next < INVOCATIONS) times.push(await invoke(`caller ${next++}`));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, caller));
    const seconds = (performance.now() - start) / 1000;
    delay.disable();
    times.sort((a, b) => a - b);
    blocked.sort((a, b) => a - b);
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)];
    console.log(
      `${INVOCATIONS} invocations, ${AT_A_TIME} at a time: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
        `${(INVOCATIONS / seconds).toFixed(0)}/s\n` +
        `  ${blocked.length} native calls block the event loop for p50 ${percentile(blocked, 0.5).toFixed(3)} ms, ` +
        `p99 ${percentile(blocked, 0.99).toFixed(3)} ms, at most ${percentile(blocked, 1).toFixed(1)} ms\n` +
        `  a 1 ms timer is late by p50 ${(delay.percentile(50) / 1e6 - 1).toFixed(2)} ms, ` +
        `p99 ${(delay.percentile(99) / 1e6 - 1).toFixed(2)} ms`,
    );
    expect(times).toHaveLength(INVOCATIONS);
    await vi.waitFor(
      () => expect(pool.stats()[0]).toMatchObject({ parked: PARKED, starting: 0, leased: 0, waiting: 0 }),
      { timeout: 10_000 },
    );
  }, 120_000);
});
