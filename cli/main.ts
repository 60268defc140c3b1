/** The `mayfly` command: `npm run mayfly -- <command>`. Each command is a module of commands/. */
import { MayflyError } from "../contract/index.ts";
import { deleteCommand } from "./commands/delete.ts";
import { deployCommand } from "./commands/deploy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { invokeCommand } from "./commands/invoke.ts";
import { listCommand } from "./commands/list.ts";
import { poolCommand } from "./commands/pool.ts";
import { psCommand } from "./commands/ps.ts";
import { startCommand } from "./commands/start.ts";
import { sweepCommand } from "./commands/sweep.ts";
import { topCommand } from "./commands/top.ts";

/** Gets the words after its name; resolves to the exit code. */
type Command = (words: string[]) => Promise<number>;

const COMMANDS: Record<string, Command> = {
  start: startCommand,
  deploy: deployCommand,
  invoke: invokeCommand,
  list: listCommand,
  delete: deleteCommand,
  doctor: doctorCommand,
  ps: psCommand,
  top: topCommand,
  pool: poolCommand,
  sweep: sweepCommand,
};

const HELP = `mayfly: functions, each invocation in a sandbox of its own

  mayfly start                             start Redis, gateway and worker; Ctrl-C stops them
  mayfly deploy <folder> [--name <name>]   deploy a folder with its mayfly.json
  mayfly invoke <name> [--data <json>]     invoke a function; --data @file.json reads a file
  mayfly list                              list the functions
  mayfly delete <name>                     delete a function
  mayfly doctor                            what this machine offers for sandboxes
  mayfly ps [--all] [--json]               what runs in which sandbox on this machine; as root
  mayfly top [--interval <s>] [--once]     the same, again and again, the busiest first; as root
  mayfly pool [--json]                     how many sandboxes wait, how many are wanted, and why; as root
  mayfly sweep [--dry-run]                 remove what killed workers left; as root

  --url <url>         the gateway            (MAYFLY_URL, http://127.0.0.1:8480)
  --key-file <file>   holds the API key      (MAYFLY_API_KEY, or the data folder's api-key)

  Settings of start, by environment: MAYFLY_HOST, MAYFLY_PORT, MAYFLY_DATA_DIR, MAYFLY_INSTANCE,
  MAYFLY_REDIS_URL (yours instead of an own one), MAYFLY_LOG_LEVEL, MAYFLY_POOL_MIN, MAYFLY_POOL_MAX,
  MAYFLY_POOL_MEMORY_MB, MAYFLY_CONCURRENCY`;

async function main([name, ...words]: string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    console.log(HELP);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    throw new MayflyError("COMMAND_FAILED", { message: `There is no command "${name}"; see "mayfly help"` });
  }
  return await command(words);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // What we foresaw needs one sentence, anything else its stack.
  console.error(
    "mayfly:",
    error instanceof MayflyError || isUsageError(error) ? (error as Error).message : error,
  );
  process.exitCode = 1;
}

/** parseArgs (node:util) words its refusals well. */
function isUsageError(error: unknown): boolean {
  return ((error as { code?: string }).code ?? "").startsWith("ERR_PARSE_ARGS");
}
