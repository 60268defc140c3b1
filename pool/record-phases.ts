/**
 * Spans of what happened inside a sandbox between the event and the answer: `enter` (its process wakes up, sets its
 * environment, finds its files), `init`, `run`. linux-sandbox.ts calls it.
 *
 * The process itself measures how long it loaded and ran the function, and its word is a stranger's. So both are laid
 * between event and answer, from the answer backwards.
 */
import { recordSpan } from "../telemetry/tracing.ts";
import type { Outcome } from "./sandbox.ts";

/** Milliseconds of Unix time. `enteredAtMs`: the event was sent and the files were there. */
export function recordPhases(outcome: Outcome, enteredAtMs: number, endMs: number): void {
  if (outcome.kind !== "answer") {
    recordSpan("run", enteredAtMs, endMs);
    return;
  }
  const { initMs = 0, runMs = 0 } = outcome.header;
  const runAtMs = Math.max(enteredAtMs, endMs - runMs);
  const initAtMs = Math.max(enteredAtMs, runAtMs - initMs);
  recordSpan("enter", enteredAtMs, initAtMs);
  if (outcome.header.initMs !== undefined) recordSpan("init", initAtMs, runAtMs);
  if (outcome.header.runMs !== undefined) recordSpan("run", runAtMs, endMs);
}
