/** `mayfly pool`: how many sandboxes wait in each pool, how many are wanted, and why. */
import { parseArgs } from "node:util";
import type { WorkerStatus } from "../../contract/index.ts";
import { decisionLine, poolName, poolTable } from "../pool-table.ts";
import { readWorkerStatus } from "../worker-status.ts";

const MIB = 1024 * 1024;
/** Of all pools together. */
const DECISIONS_SHOWN = 10;

export async function poolCommand(words: string[]): Promise<number> {
  const { values } = parseArgs({ args: words, options: { json: { type: "boolean" } } });
  const status = await readWorkerStatus(process.env);
  if (values.json === true) {
    const { pools, poolBudgetBytes, pressure } = status;
    console.log(JSON.stringify({ pools, poolBudgetBytes, pressure }, null, 2));
    return 0;
  }
  console.log(poolTable(status.pools));
  const { memory, cpu } = status.pressure;
  console.log(
    `\nbudget ${Math.round(status.poolBudgetBytes / MIB)} MiB; pressure: memory ${memory}%, CPU ${cpu}%`,
  );
  const lines = lastDecisions(status);
  if (lines.length > 0) console.log(`\n${lines.join("\n")}`);
  return 0;
}

function lastDecisions({ pools }: WorkerStatus): string[] {
  return pools
    .flatMap((pool) => pool.decisions.map((decision) => ({ name: poolName(pool), decision })))
    .sort((a, b) => a.decision.atMs - b.decision.atMs)
    .slice(-DECISIONS_SHOWN)
    .map(({ name, decision }) => decisionLine(name, decision));
}
