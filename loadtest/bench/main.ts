/**
 * `npm run --silent bench`: Mayfly beside what people would use instead, in one run on one machine. Everything that is
 * made is gone at the end, on Ctrl-C too. options.ts has the command line, results.ts what `--json` prints.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureBurst } from "./burst.ts";
import type { Bench } from "./context.ts";
import { writeDocument } from "./document.ts";
import { measureGrowth } from "./growth.ts";
import { measureHello } from "./hello.ts";
import { measureHttp } from "./http.ts";
import { readMachine } from "./machine.ts";
import { measureNoop } from "./noop.ts";
import { type Options, readOptions, USAGE, UsageError } from "./options.ts";
import { printResults } from "./print-results.ts";
import { compilePrograms } from "./programs.ts";
import { type Results, SUITES, type SuiteName } from "./results.ts";
import { Scope } from "./scope.ts";
import { type BenchService, launchBenchService } from "./service.ts";
import { measureSoak } from "./soak.ts";
import { measureSustained } from "./sustained.ts";

const DOCUMENTS = fileURLToPath(new URL("../../docs", import.meta.url));
const EXIT_USAGE = 2;
/** 128 and the signal's number, as shells say it. */
const EXIT_INTERRUPTED = 130;

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

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);

async function run(options: Options, scope: Scope): Promise<Results> {
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
    service = undefined;
    const closing = serviceScope;
    serviceScope = new Scope();
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

/** What runs meanwhile fails in its own ways as things are taken away from it; nobody wants to hear of that. */
async function untilInterrupted(scope: Scope): Promise<"interrupted"> {
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
  say("stopping");
  for (const event of ["unhandledRejection", "uncaughtException"]) process.on(event, () => {});
  await scope.close();
  return "interrupted";
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const scope = new Scope();
  const interrupted = untilInterrupted(scope);
  try {
    const results = await Promise.race([run(options, scope), interrupted]);
    if (results === "interrupted") return EXIT_INTERRUPTED;
    if (options.json) console.log(JSON.stringify(results));
    else printResults(results);
    if (options.write) await writeDocument(DOCUMENTS, results);
  } finally {
    await scope.close();
  }
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`bench: ${error.message}\n\n${USAGE}\n`);
      process.exit(EXIT_USAGE);
    }
    console.error(error);
    process.exit(1);
  },
);
