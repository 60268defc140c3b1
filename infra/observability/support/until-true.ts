/** Asks again and again until the answer is yes; what throws is a no. For what tells nobody when it is ready. */
import { setTimeout as pause } from "node:timers/promises";

const EVERY_MS = 100;
const DEADLINE_MS = 30_000;

/** Rejects after half a minute, with the last error where there was one. */
export async function untilTrue(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      if (await ask()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await pause(EVERY_MS);
  }
  throw new Error(`Waited ${DEADLINE_MS / 1000} s in vain until this is so: ${what}`, { cause });
}
