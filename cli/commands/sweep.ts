/** `mayfly sweep`: removes what workers that are dead left in control groups. A worker does the same when it starts. */
import { parseArgs } from "node:util";
import { sweepCgroups } from "../../native/ts/cgroup-sweep.ts";

export async function sweepCommand(words: string[]): Promise<number> {
  const { values } = parseArgs({ args: words, options: { "dry-run": { type: "boolean" } } });
  const isDryRun = values["dry-run"] === true;
  const { removed, living, failed } = sweepCgroups({ dryRun: isDryRun });
  for (const folder of living) console.log(`in use   ${folder}`);
  for (const folder of removed) console.log(`${isDryRun ? "dead    " : "removed "} ${folder}`);
  for (const { folder, why } of failed) console.log(`stays    ${folder}: ${why}`);
  if (living.length + removed.length + failed.length === 0) console.log("Nothing of Mayfly's is here.");
  return failed.length > 0 ? 1 : 0;
}
