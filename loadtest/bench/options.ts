/** The command line of the bench. main.ts reads it once. */
import { parseArgs } from "node:util";
import { SUITES, type SuiteName } from "./results.ts";

export interface Options {
  json: boolean;
  quick: boolean;
  write: boolean;
  only: SuiteName[];
}

export const USAGE = `npm run --silent bench -- [--json] [--quick] [--only SUITE,...] [--write]

  --json    one JSON object on stdout instead of tables
  --quick   small counts: everything ends within 45 seconds
  --only    some suites: ${SUITES.join(", ")}
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
  return { json: values.json, quick: values.quick, write: values.write, only };
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
