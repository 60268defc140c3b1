/** A pool of the bench's own, in this process, with nothing around it. For hello.ts, growth.ts and soak.ts. */
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { createPool } from "../../pool/create-pool.ts";
import type { SandboxPool } from "../../pool/sandbox.ts";
import type { Scope } from "./scope.ts";

const POLL_MS = 2;
/** A thousand take some ten seconds. */
const PARKED_TIMEOUT_MS = 120_000;

/** Resolves when `target` sandboxes are parked. Closed with the scope. */
export async function openPool(
  scope: Scope,
  instance: string,
  target: number,
  maxSandboxes: number,
): Promise<SandboxPool> {
  let isLost = false;
  const pool = await createPool({
    instance,
    targets: { nodejs24: target },
    maxSandboxes,
    /* As many as the suite asks for, whatever the machine has: to see that is what it is for. */
    budgetBytes: Number.MAX_SAFE_INTEGER,
    logger: pino({ level: "error" }, pino.destination(2)),
    onLost: () => {
      isLost = true;
    },
  });
  await scope.defer(() => pool.close());
  await untilParked(pool, target, () => isLost);
  return pool;
}

/** Resolves when so many are parked; polls, because a pool tells nobody. */
export async function untilParked(pool: SandboxPool, count: number, isLost = () => false): Promise<void> {
  const deadline = performance.now() + PARKED_TIMEOUT_MS;
  while ((pool.stats()[0]?.parked ?? 0) < count) {
    if (isLost()) throw new Error("the spawner has ended");
    if (performance.now() > deadline) throw new Error(`the pool does not come to ${count} parked sandboxes`);
    await pause(POLL_MS);
  }
}
