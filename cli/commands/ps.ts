/** `mayfly ps`: what runs in which sandbox, with its pid on this machine. Parked ones are counted, or listed by --all. */
import { parseArgs } from "node:util";
import { parkedSentence, sandboxTable } from "../sandbox-table.ts";
import { readWorkerStatus } from "../worker-status.ts";

export async function psCommand(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: { all: { type: "boolean" }, json: { type: "boolean" } },
  });
  const status = await readWorkerStatus(process.env);
  if (values.json === true) {
    console.log(JSON.stringify(status, null, 2));
    return 0;
  }
  const shown = status.sandboxes.filter(({ state }) => values.all === true || state !== "parked");
  console.log(sandboxTable(shown, status.atMs, ({ cpuUs }) => `${Math.round(cpuUs / 1000)} ms`));
  const parked = parkedSentence(status.sandboxes);
  if (values.all !== true && parked !== "") console.log(`(${parked})`);
  return 0;
}
