/**
 * How many invocations a second the whole service answers, each in a sandbox that nobody used before, with 1 to 128 in
 * flight; where the CPU goes at the best of them; and how many of nothing but namespaces the machine could make.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Bench, sized } from "./context.ts";
import { type CpuTimes, cpuPerInvocation, readCpuTimes } from "./cpu-times.ts";
import { floorRate } from "./floor.ts";
import { COUNTING, type Load, type LoadCount, loadCount } from "./load.ts";
import type { SustainedResult } from "./results.ts";
import { type BenchService, targetOf, untilIdle } from "./service.ts";

const GENERATOR = fileURLToPath(new URL("load-generator.ts", import.meta.url));
const IN_FLIGHT = [1, 8, 32, 128];
const EVENT = '{"name":"you"}';
const ANSWER = '{"hello":"you"}';

interface Measured {
  perSecond: number;
  count: LoadCount;
  before: CpuTimes;
  after: CpuTimes;
}

export async function measureSustained(bench: Bench): Promise<SustainedResult> {
  const { seconds, warmUpSeconds } = sized(
    bench,
    { seconds: 10, warmUpSeconds: 2 },
    { seconds: 0.7, warmUpSeconds: 0.2 },
  );
  bench.say(`sustained: ${seconds} s each at ${IN_FLIGHT.join(", ")} in flight`);
  const service = await bench.service();
  const target = { ...targetOf(service, EVENT), key: service.key };
  const byInFlight: Record<string, number> = {};
  let best: Measured | undefined;
  for (const inFlight of IN_FLIGHT) {
    await untilIdle(service);
    const measured = await underLoad(bench, service, {
      target,
      answer: ANSWER,
      inFlight,
      warmUpSeconds,
      seconds,
    });
    byInFlight[inFlight] = Math.round(measured.perSecond);
    if (best === undefined || measured.perSecond > best.perSecond) best = measured;
  }
  if (best === undefined) throw new Error("nothing was measured");
  await untilIdle(service);
  const floorPerSecond = Math.round(await floorRate(bench.programs, seconds));
  const { before, after, count } = best;
  return {
    perSecond: Math.round(best.perSecond),
    floorPerSecond,
    byInFlight,
    cpuMsPerInvocation: cpuPerInvocation(before, after, count.cpuMs, count.answered),
  };
}

/** The generator says when it begins to count and when it has ended; the CPU is read at both. */
async function underLoad(bench: Bench, service: BenchService, load: Load): Promise<Measured> {
  const child = spawn(process.execPath, [GENERATOR, JSON.stringify(load)], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const exited = once(child, "exit");
  await bench.scope.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const read = () => readCpuTimes(service.pid, service.instance);
  let before: CpuTimes | undefined;
  let counted: Omit<Measured, "perSecond"> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === COUNTING) before = read();
    else if (before !== undefined) {
      counted = { before, after: read(), count: loadCount.parse(JSON.parse(line)) };
    }
  }
  const [code] = await exited;
  if (code !== 0 || counted === undefined) throw new Error(`the load generator ended with code ${code}`);
  const { errors, answered, seconds } = counted.count;
  if (errors > 0)
    throw new Error(`${errors} of ${errors + answered} invocations failed at ${load.inFlight} in flight`);
  return { ...counted, perSecond: answered / seconds };
}
