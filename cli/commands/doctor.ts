/** `mayfly doctor`: tries on this machine what sandboxes need, and says what to do about what is missing. */
import { parseArgs } from "node:util";
import { probeMachine } from "../../native/ts/probe.ts";

export async function doctorCommand(words: string[]): Promise<number> {
  parseArgs({ args: words, options: {} });
  const findings = probeMachine();
  for (const { name, ok, detail, cure } of findings) {
    console.log(`${ok ? "ok     " : "MISSING"}  ${name.padEnd(22)} ${detail}`);
    if (cure !== undefined) console.log(`         ${"".padEnd(22)} → ${cure}`);
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
}
