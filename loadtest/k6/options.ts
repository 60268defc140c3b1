/** The command line of the load tests. main.ts reads it once. */
import { parseArgs } from "node:util";
import { SCENARIO_NAMES, SCENARIOS, type ScenarioName, scenarioOf } from "./scenarios.ts";

export interface Options {
  scenario: ScenarioName;
  /** A service that runs already; absent: one is started. */
  url: string | undefined;
  keyFile: string | undefined;
  metrics: { gateway: string | undefined; worker: string | undefined };
  /** Instead of the scenario's own, in k6's form: `30s`, `10m`. */
  duration: string | undefined;
  /** Instead of the scenario's own, a second. */
  rate: number | undefined;
  /** An earlier run's summary.json. */
  against: string | undefined;
  /** Where the results go. */
  out: string | undefined;
}

const width = Math.max(...SCENARIO_NAMES.map((name) => name.length));
export const USAGE = `npm run --silent loadtest -- SCENARIO [options]

${SCENARIO_NAMES.map((name) => `  ${name.padEnd(width)}  ${SCENARIOS[name].what}`).join("\n")}

  --url URL              a service that runs (or MAYFLY_URL); without one, a service is started and stopped
  --key-file FILE        its API key (or MAYFLY_API_KEY)
  --gateway-metrics URL  where it shows metrics; default: port 9464 of the same host
  --worker-metrics URL   the same, 9465
  --duration 30s         instead of the scenario's own
  --rate N               arrivals a second, instead of the scenario's own
  --against FILE         compare with an earlier run's summary.json
  --out FOLDER           default: loadtest/results/SCENARIO-TIME

Exit codes: 0 all promises kept, 1 one broken, 2 wrong usage, 3 the test could not be run.`;

/** What main.ts says before it exits with code 2. */
export class UsageError extends Error {}

/** `help` when that was asked for. Errors: UsageError. */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): Options | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [name = "", ...others] = positionals;
  if (name === "") throw new UsageError("Say which scenario");
  if (others.length > 0) throw new UsageError(`One scenario at a time, not also "${others.join(" ")}"`);
  if (!(SCENARIO_NAMES as string[]).includes(name))
    throw new UsageError(`There is no scenario "${name}": choose from ${SCENARIO_NAMES.join(", ")}`);
  const { duration, rate } = values;
  if (duration !== undefined && !/^[1-9]\d{0,5}(s|m|h)$/.test(duration))
    throw new UsageError(`--duration must be such as 30s, 10m or 1h, not "${duration}"`);
  if (rate !== undefined && !/^[1-9]\d{0,4}$/.test(rate))
    throw new UsageError(`--rate must be a whole number from 1 to 99999, not "${rate}"`);
  refuseWhatDoesNothing(name as ScenarioName, { duration, rate });
  return {
    scenario: name as ScenarioName,
    url: (values.url ?? (env.MAYFLY_URL || undefined))?.replace(/\/+$/, ""),
    keyFile: values["key-file"],
    metrics: { gateway: values["gateway-metrics"], worker: values["worker-metrics"] },
    duration,
    rate: rate === undefined ? undefined : Number(rate),
    against: values.against,
    out: values.out,
  };
}

/** Loads that follow one another would overlap when they are longer, and what comes at once has neither length nor rate. */
function refuseWhatDoesNothing(
  name: ScenarioName,
  given: { duration: string | undefined; rate: string | undefined },
): void {
  const loads = Object.values(scenarioOf(name).loads);
  if (given.duration !== undefined && loads.some(({ startTime }) => startTime !== undefined))
    throw new UsageError(`${name} has no --duration: its loads follow one another`);
  const hasRate = name === "ramp" || loads.some(({ executor }) => executor === "constant-arrival-rate");
  if (given.rate !== undefined && !hasRate)
    throw new UsageError(`${name} has no --rate: its requests come at once`);
}

function parse(args: string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      strict: true,
      allowPositionals: true,
      options: {
        url: text,
        "key-file": text,
        "gateway-metrics": text,
        "worker-metrics": text,
        duration: text,
        rate: text,
        against: text,
        out: text,
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
