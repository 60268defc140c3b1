/**
 * Compares contenders within one run: in each round every one goes once, with a pause before it, and each round begins
 * with another, so that whatever else the machine does meets all of them alike. For noop.ts, hello.ts and http.ts.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Comparison, ContenderName } from "./results.ts";
import type { Scope } from "./scope.ts";
import { timingOf } from "./timing.ts";

export interface Contender {
  name: ContenderName;
  /** Ours, or the floor: that it does not run is a fault, not a fact about the machine. */
  isOwn?: boolean;
  /**
   * Gets it ready; the result does it once, checks what came of it, and resolves to milliseconds. Rejecting, either of
   * them says in a few words why.
   */
  open(scope: Scope): Promise<() => Promise<number>>;
}

export interface Rounds {
  rounds: number;
  /** Not counted. One at least: the first shows that the contender runs here. */
  warmUps: number;
  pauseMs: number;
  /** After so long no round begins any more, once there were a few. */
  withinMs?: number;
}

const ROUNDS_MIN = 3;

/** Tight loops hide what the kernel does a grace period later. */
export const PAUSE_MS = 30;

interface Runner {
  name: ContenderName;
  isOwn: boolean;
  once: () => Promise<number>;
  times: number[];
}

const reasonOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0]?.slice(0, 160) ?? "";

/** Rejects when one of ours does not run; another's failure is its result. */
export async function interleave(
  contenders: Contender[],
  { rounds, warmUps, pauseMs, withinMs = Number.POSITIVE_INFINITY }: Rounds,
  scope: Scope,
): Promise<Comparison> {
  const refused: Comparison = {};
  const refuse = (name: ContenderName, isOwn: boolean, error: unknown) => {
    if (isOwn) throw new Error(`${name} does not run: ${reasonOf(error)}`, { cause: error });
    refused[name] = { refused: reasonOf(error) };
  };

  const runners: Runner[] = [];
  for (const { name, isOwn = false, open } of contenders) {
    try {
      const once = await open(scope);
      await once();
      runners.push({ name, isOwn, once, times: [] });
    } catch (error) {
      refuse(name, isOwn, error);
    }
  }

  const startedAt = performance.now();
  for (let round = 1; round < warmUps + rounds; round++) {
    if (round >= warmUps + ROUNDS_MIN && performance.now() - startedAt > withinMs) break;
    for (const runner of rotated(runners, round)) {
      if (refused[runner.name] !== undefined) continue;
      await pause(pauseMs);
      try {
        const took = await runner.once();
        if (round >= warmUps) runner.times.push(took);
      } catch (error) {
        refuse(runner.name, runner.isOwn, error);
      }
    }
  }
  const timed = runners.map(({ name, times }) => [name, refused[name] ?? timingOf(times)]);
  return { ...refused, ...Object.fromEntries(timed) };
}

const rotated = <T>(items: T[], by: number): T[] => {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
};
