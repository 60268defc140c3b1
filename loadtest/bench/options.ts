/** The command line of the bench. main.ts reads it once. */
import { parseArgs } from "node:util";
import { SUITES, type SuiteName } from "./results.ts";

export interface Options {
  json: boolean;
  quick: boolean;
  write: boolean;
  only: SuiteName[];
  /** How many invocations; the suite's own number when absent. */
  soak: number | undefined;
}

export const USAGE = `npm run --silent bench -- [--json] [--quick] [--only SUITE,...] [--soak N] [--write]

  --json    one JSON object on stdout instead of tables
  --quick   small counts: everything ends within 45 seconds
  --only    some suites: ${SUITES.join(", ")}
  --soak    how many invocations that suite makes
  --write   writes docs/benchmarks.md and its plots from this run
  --help    this text`;

/** What main.ts says before it exits with code 2. */
export class UsageError extends Error {}

const isSuite = (name: string): name is SuiteName => (SUITES as readonly string[]).includes(name);

/** `help` when that was asked for. Errors: UsageError. */
export function readOptions(args: string[]): Options | "help" {
  const values = parse(args);
  if (values.help) return "help";
  const only = values.only === undefined ? [...SUITES] : suitesOf(values.only);
  if (values.write && only.length < SUITES.length)
    throw new UsageError("--write makes a document of a whole run: leave --only away");
  return { json: values.json, quick: values.quick, write: values.write, only, soak: soakOf(values.soak) };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      strict: true,
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        only: { type: "string" },
        soak: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** In the order in which they run, each once. */
function suitesOf(list: string): SuiteName[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !isSuite(name));
  if (unknown.length > 0)
    throw new UsageError(`There is no suite "${unknown.join('", "')}": choose from ${SUITES.join(", ")}`);
  return SUITES.filter((name) => names.includes(name));
}

/** Ten at least: its first tenth is compared with its last. */
const SOAK_MIN = 10;

function soakOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) >= SOAK_MIN) return Number(text);
  throw new UsageError(`--soak must be a whole number of at least ${SOAK_MIN}, not "${text}"`);
}
