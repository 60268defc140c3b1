/** A command as a contender: started again and again by programs/timed-exec.c, its output or exit code checked each time. */
import { Coprocess } from "./coprocess.ts";
import type { Programs } from "./programs.ts";
import type { Scope } from "./scope.ts";

/** What the command must do, or its time is none. */
export type Expected = { exitCode: number } | { line: string };

const NS_PER_MS = 1e6;

/**
 * Each call runs it once. Expecting an exit code, the time is that until its end; expecting a line, that until the line
 * came, and its end is awaited outside the time. Rejects with the command's last words when it did something else.
 */
export function timedCommand(
  scope: Scope,
  programs: Programs,
  command: string[],
  expected: Expected,
): () => Promise<number> {
  const coprocess = new Coprocess(scope, programs.timedExec, command);
  return async () => {
    const said = await coprocess.ask();
    const [, answerNs, endNs, exitCode, line] = /^(-?\d+) (\d+) (\d+) (.*)$/.exec(said) ?? [];
    if ("exitCode" in expected) {
      if (Number(exitCode) === expected.exitCode) return Number(endNs) / NS_PER_MS;
    } else if (exitCode === "0" && line === expected.line) {
      return Number(answerNs) / NS_PER_MS;
    }
    throw new Error(coprocess.lastWords || `it ended with code ${exitCode} and said "${line}"`);
  };
}
