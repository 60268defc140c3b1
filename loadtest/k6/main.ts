/**
 * `npm run --silent loadtest -- SCENARIO`: k6 against the service, in one command. The order of a run reads from top to
 * bottom in runScenario(). options.ts has the command line; the exit codes are in its usage.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VERDICT_NAMES } from "../../contract/index.ts";
import { Scope } from "../bench/scope.ts";
import { findK6, type K6 } from "./find-k6.ts";
import { judgePromises } from "./judge-promises.ts";
import { type Options, readOptions, USAGE, UsageError } from "./options.ts";
import { planOf } from "./plan.ts";
import { printSummary, STEP_HEAD, stepLine } from "./print.ts";
import { type RampStep, ramp } from "./ramp.ts";
import { reportPage } from "./report.ts";
import { compare, figuresOf, type PromiseResult, type Summary, summary, verdictsOf } from "./results.ts";
import { type K6Run, runK6 } from "./run-k6.ts";
import { judgeSaturation } from "./saturation.ts";
import { type Load, type PromiseMade, RAMP, RAMP_PROMISE, scenarioOf } from "./scenarios.ts";
import { deployFunctions, type LoadTarget, openTarget } from "./target.ts";
import { watchService } from "./watch-service.ts";

const RESULTS = fileURLToPath(new URL("../results", import.meta.url));
const EXIT = { kept: 0, broken: 1, usage: 2, failed: 3, interrupted: 130 };

const say = (text: string) => process.stderr.write(`loadtest: ${text}\n`);

/** `runs`: one, or one for each step of a ramp. */
interface Measured {
  runs: K6Run[];
  steps: RampStep[];
  sustainable?: number;
}

async function runScenario(options: Options, scope: Scope, signal: AbortSignal): Promise<number> {
  const scenario = scenarioOf(options.scenario);
  const before = options.against === undefined ? undefined : await readSummary(options.against);
  const k6 = findK6(process.env, say);
  if (options.url === undefined) say("starting a service");
  else if (scenario.service !== undefined)
    say(`meant for a service with ${settingsIn(scenario.service)}: whether yours has that, it does not say`);
  const target = await openTarget(options, scenario.service ?? {}, scope);
  const loads = Object.fromEntries(
    Object.entries(scenario.loads).map(([name, load]) => [name, changed(load, options)]),
  );
  const calls = options.scenario === "ramp" ? [RAMP.call] : Object.values(loads).map(({ call }) => call);
  await deployFunctions(target.client, new Set(calls.flatMap(({ functions }) => functions)));
  const startedAt = new Date().toISOString();
  const watch = await watchService(target.metrics);
  await scope.defer(watch.stop);
  if (watch.fault !== undefined) say(watch.fault);

  const run = runner(k6, target, signal);
  const measured =
    options.scenario === "ramp" ? await runRamp(run, options) : await runOnce(run, loads, scenario.promises);
  await watch.finish();

  const { steps, sustainable } = measured;
  const last = measured.runs.at(-1)?.metrics ?? {};
  const result: Summary = {
    scenario: options.scenario,
    startedAt,
    k6: k6.version,
    machine: { cpus: availableParallelism(), kernel: release() },
    figures: {
      ...(steps.length === 0 ? figuresOf(last) : figuresOfRamp(measured)),
      ...(watch.states.length > 0 && { "cold starts": watch.states.at(-1)?.coldStarts ?? 0 }),
    },
    verdicts: sumOfVerdicts(measured.runs),
    promises: [
      ...(sustainable === undefined ? [] : [judgeRamp(sustainable)]),
      ...judgePromises(scenario.promises, last, watch.increaseOf),
    ],
    ...(sustainable !== undefined && { sustainablePerSecond: sustainable }),
    saturated: [
      ...generatorOf(steps),
      ...judgeSaturation(watch.states).map(({ resource, evidence }) => ({ resource, evidence })),
    ],
  };
  const changes = before === undefined ? [] : compare(before, result);
  printSummary(result, changes);

  const folder = options.out ?? join(RESULTS, `${options.scenario}-${startedAt.replaceAll(/[:.]/g, "-")}`);
  await mkdir(folder, { recursive: true });
  const { states, fault } = watch;
  const seconds = measured.runs.flatMap((one) => one.seconds);
  const page = reportPage({ summary: result, what: scenario.what, seconds, states, fault, steps, changes });
  await writeFile(join(folder, "summary.json"), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder, "report.html"), page);
  console.log(`\n${join(folder, "report.html")}`);
  return result.promises.every(({ kept }) => kept !== false) ? EXIT.kept : EXIT.broken;
}

type Runner = (loads: Record<string, Load>, promises: PromiseMade[], isQuiet?: boolean) => Promise<K6Run>;

const runner =
  (k6: K6, target: LoadTarget, signal: AbortSignal): Runner =>
  (loads, promises, isQuiet) => {
    const plan = planOf(target.url, loads, promises, VERDICT_NAMES);
    return runK6({ k6: k6.path, plan, apiKey: target.apiKey, signal, ...(isQuiet && { isQuiet }) });
  };

async function runOnce(run: Runner, loads: Record<string, Load>, promises: PromiseMade[]): Promise<Measured> {
  const done = await run(loads, promises);
  return { runs: [done], steps: [] };
}

async function runRamp(run: Runner, { rate, duration }: Options): Promise<Measured> {
  console.log(`\n${STEP_HEAD}`);
  const seconds = duration === undefined ? RAMP.stepSeconds : secondsOf(duration);
  const { steps, runs, sustainable } = await ramp(
    (load) => run(load, [], true),
    { seconds, ...(rate !== undefined && { firstRate: rate }) },
    (step) => console.log(stepLine(step)),
  );
  return { runs, steps, sustainable };
}

const judgeRamp = (sustainable: number): PromiseResult => ({
  says: RAMP_PROMISE,
  metric: "sustainable rate",
  threshold: `>=${RAMP.minRate}`,
  measured: sustainable,
  kept: sustainable >= RAMP.minRate,
});

/** What k6 could not send, the service cannot be blamed for. */
function generatorOf(steps: RampStep[]): Summary["saturated"] {
  const step = steps.find(({ isGeneratorShort }) => isGeneratorShort);
  return step === undefined ? [] : [{ resource: "the load generator", evidence: step.broken ?? "" }];
}

const settingsIn = (service: Record<string, string>) =>
  Object.entries(service)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");

/** Of the highest step that was sustained. */
function figuresOfRamp({ runs, steps, sustainable }: Measured): Record<string, number> {
  const best = runs[steps.findIndex(({ rate }) => rate === sustainable)] ?? runs[0];
  return figuresOf(best?.metrics ?? {});
}

function sumOfVerdicts(runs: K6Run[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { metrics } of runs)
    for (const [verdict, count] of Object.entries(verdictsOf(metrics)))
      sums[verdict] = (sums[verdict] ?? 0) + count;
  return sums;
}

function changed(load: Load, { rate, duration }: Options): Load {
  const withDuration = duration !== undefined && "duration" in load ? { ...load, duration } : load;
  return rate !== undefined && withDuration.executor === "constant-arrival-rate"
    ? { ...withDuration, rate }
    : withDuration;
}

const secondsOf = (duration: string) =>
  Number.parseInt(duration, 10) * ({ s: 1, m: 60, h: 3600 }[duration.at(-1) ?? "s"] ?? 1);

async function readSummary(path: string): Promise<Summary> {
  try {
    return summary.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new UsageError(`--against ${path} is no summary.json of a load test`, { cause });
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options === "help") {
    console.log(USAGE);
    return EXIT.kept;
  }
  const scope = new Scope();
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      say("stopping");
      interrupted.abort();
    });
  try {
    return await runScenario(options, scope, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    await scope.close();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`loadtest: ${(error as Error).message}\n${isUsage ? `\n${USAGE}\n` : ""}`);
    process.exit(isUsage ? EXIT.usage : EXIT.failed);
  },
);
