/** Runs the suites, one after the other, with what they share. Called by main.ts. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBurst } from "./burst.ts";
import type { Bench } from "./context.ts";
import { measureGrowth } from "./growth.ts";
import { measureHello } from "./hello.ts";
import { measureHttp } from "./http.ts";
import { readMachine } from "./machine.ts";
import { measureNoop } from "./noop.ts";
import type { Options } from "./options.ts";
import { compilePrograms } from "./programs.ts";
import { type Results, SUITES, type SuiteName } from "./results.ts";
import { Scope } from "./scope.ts";
import { type BenchService, launchBenchService } from "./service.ts";
import { measureSoak } from "./soak.ts";
import { measureSustained } from "./sustained.ts";

type Measures = { [suite in SuiteName]: (bench: Bench) => Promise<Results[suite]> };

/** In the order in which they run; those that share the service stand together. */
const MEASURES: Measures = {
  noop: measureNoop,
  hello: measureHello,
  http: measureHttp,
  sustained: measureSustained,
  burst: measureBurst,
  growth: measureGrowth,
  soak: measureSoak,
};

const QUICK =
  "quick: fewer rounds, seconds and bursts, at most 100 sandboxes parked, a soak of a few hundred; " +
  "good to see that it works, not to quote";

/** Everything that it makes ends with the scope; closing that early makes it fail. `say`: progress, for people. */
export async function runSuites(
  options: Options,
  scope: Scope,
  say: (text: string) => void,
): Promise<Results> {
  const machine = readMachine(options.quick);
  const measured = new Map<SuiteName, Results[SuiteName]>();
  if (options.quick) say(QUICK);
  const instance = `bench-${process.pid}`;
  const scratch = await mkdtemp(join(tmpdir(), `mayfly-${instance}-`));
  await scope.defer(() => rm(scratch, { recursive: true, force: true }));
  await chmod(scratch, 0o755);
  let serviceScope = new Scope();
  let service: Promise<BenchService> | undefined;
  const stopService = async () => {
    const launching = service;
    const closing = serviceScope;
    service = undefined;
    serviceScope = new Scope();
    /* One that is being launched has nothing yet that could be stopped. */
    await launching?.catch(() => {});
    await closing.close();
  };
  await scope.defer(stopService);
  const shared = {
    quick: options.quick,
    soak: options.soak,
    say,
    scratch,
    programs: await compilePrograms(scratch),
    instance,
    service: () => {
      service ??= launchBenchService(serviceScope, instance);
      return service;
    },
    stopService,
  };
  for (const [suite, measure] of Object.entries(MEASURES) as [SuiteName, Measures[SuiteName]][]) {
    if (!options.only.includes(suite)) continue;
    if (scope.isClosed) throw new Error("the bench was stopped");
    const suiteScope = new Scope();
    await scope.defer(() => suiteScope.close());
    const startedAt = performance.now();
    measured.set(suite, await measure({ ...shared, scope: suiteScope }));
    await suiteScope.close();
    say(`${suite}: took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  }
  const inOrder = SUITES.filter((suite) => measured.has(suite)).map((suite) => [suite, measured.get(suite)]);
  return { machine, ...Object.fromEntries(inOrder) };
}
