/** `mayfly doctor`: tries on this machine what sandboxes need, and says what to do about what is missing. */
import { parseArgs } from "node:util";
import { probeMachine } from "../../native/ts/probe.ts";
import { dataDirOf } from "../data-dir.ts";

export async function doctorCommand(words: string[]): Promise<number> {
  parseArgs({ args: words, options: {} });
  const findings = probeMachine([dataDirOf(process.env)]);
  for (const { name, ok, detail, cure, optional } of findings) {
    console.log(`${ok ? "ok     " : optional ? "without" : "MISSING"}  ${name.padEnd(22)} ${detail}`);
    if (cure !== undefined) console.log(`         ${"".padEnd(22)} → ${cure}`);
  }
  return findings.every(({ ok, optional }) => ok || optional) ? 0 : 1;
}
