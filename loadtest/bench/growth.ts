/**
 * Whether it stays fast at size: HTTP with 1 to 10,000 functions deployed, lease to answer with 1 to 1,000 sandboxes
 * parked, and what a parked one keeps in memory.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Bench, sized } from "./context.ts";
import { copyFunction } from "./copy-function.ts";
import { PAUSE_MS } from "./interleave.ts";
import { KeepAliveClient } from "./keep-alive-client.ts";
import { leaseToAnswer } from "./lease-to-answer.ts";
import { openPool, untilParked } from "./open-pool.ts";
import { meanMemory, memoryOf, type ParkedMemory } from "./parked-memory.ts";
import type { GrowthResult } from "./results.ts";
import { Scope } from "./scope.ts";
import { type BenchService, HELLO_FUNCTION, targetOf } from "./service.ts";
import { timingOf } from "./timing.ts";

const EVENT = '{"name":"you"}';
const ANSWER = '{"hello":"you"}';
/** Beside the parked ones: leased, being removed, being made. */
const SPARE_SANDBOXES = 8;
/** Reading the memory of a thousand takes a while and says no more. */
const MEMORY_SAMPLE = 100;

export async function measureGrowth(bench: Bench): Promise<GrowthResult> {
  const p50MsByFunctions = await byFunctions(bench);
  await bench.stopService();
  return { ...(await byParked(bench)), p50MsByFunctions };
}

async function byFunctions(bench: Bench): Promise<Record<string, number>> {
  const { sizes, samples } = sized(
    bench,
    { sizes: [1, 100, 10_000], samples: 200 },
    { sizes: [1, 100, 10_000], samples: 12 },
  );
  bench.say(`growth: ${samples} requests each with ${sizes.join(", ")} functions`);
  const service = await bench.service();
  const result: Record<string, number> = {};
  const names = [HELLO_FUNCTION];
  for (const size of sizes) {
    const added = Array.from({ length: size - names.length }, (_, i) => `copy-${names.length + i}`);
    await copyFunction(join(service.dataDir, "run", "redis.sock"), HELLO_FUNCTION, added);
    names.push(...added);
    result[size] = timingOf(await requests(service, names, samples)).p50Ms;
  }
  return result;
}

/** Evenly over all functions, each on a connection of its own that stands before the time begins. */
async function requests(service: BenchService, names: string[], count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = -2; i < count; i++) {
    const name = names[Math.floor((Math.max(i, 0) * names.length) / count)] ?? HELLO_FUNCTION;
    const client = await KeepAliveClient.connect({
      ...targetOf(service, EVENT),
      path: `/v1/functions/${name}/invocations`,
    });
    await pause(PAUSE_MS);
    const startedAt = performance.now();
    const { status, body } = await client.post();
    if (i >= 0) times.push(performance.now() - startedAt);
    client.close();
    if (status !== 200 || body !== ANSWER) throw new Error(`function ${name} answered ${status}: ${body}`);
  }
  return times;
}

/** There and back again, so that a machine that changes meanwhile changes all sizes alike. */
async function byParked(bench: Bench): Promise<Omit<GrowthResult, "p50MsByFunctions">> {
  const { order, samples } = sized(
    bench,
    { order: [1, 10, 100, 1000, 100, 10, 1], samples: 150 },
    { order: [1, 10, 100], samples: 15 },
  );
  bench.say(`growth: ${samples} leases each with ${order.join(", ")} parked`);
  const times = new Map<number, number[]>();
  let memory: ParkedMemory | undefined;
  for (const parked of order) {
    const scope = new Scope();
    await bench.scope.defer(() => scope.close());
    const pool = await openPool(scope, `${bench.instance}-growth`, parked, parked + SPARE_SANDBOXES);
    const all = times.get(parked) ?? [];
    times.set(parked, all);
    for (let i = -2; i < samples; i++) {
      await pause(PAUSE_MS);
      await untilParked(pool, parked);
      const took = await leaseToAnswer(pool);
      if (i >= 0) all.push(took);
    }
    if (parked === Math.max(...order)) {
      const sandboxes = pool.inspect().filter(({ state, pids }) => state === "parked" && pids.length > 1);
      memory = meanMemory(sandboxes.slice(0, MEMORY_SAMPLE).map(({ pids }) => memoryOf(pids)));
    }
    await scope.close();
  }
  if (memory === undefined) throw new Error("no memory was read");
  const medians = [...times].map(([parked, all]) => [parked, timingOf(all).p50Ms]);
  return {
    p50MsByParked: Object.fromEntries(medians),
    privateBytesPerParked: memory.privateBytes,
    pssBytesPerParked: memory.pssBytes,
  };
}
