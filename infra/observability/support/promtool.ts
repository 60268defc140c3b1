/** Debian's promtool. For the tests of rules, configuration and dashboards. */
import { spawnSync } from "node:child_process";

export interface ToolResult {
  ok: boolean;
  /** What it said, stdout and stderr. */
  said: string;
}

/** Throws when promtool is not there, which no test should take for a verdict. */
export function promtool(...words: string[]): ToolResult {
  const { status, stdout, stderr, error } = spawnSync("promtool", words, {
    encoding: "utf8",
    timeout: 30_000,
  });
  if (error) {
    throw new Error(
      "promtool cannot be run: it is in Debian's package prometheus; `npm run setup` installs it",
      {
        cause: error,
      },
    );
  }
  return { ok: status === 0, said: `${stdout}${stderr}` };
}
