/** A pool of the bench's own, in this process, with nothing around it. For hello.ts, growth.ts and soak.ts. */
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { createPool } from "../../pool/create-pool.ts";
import type { SandboxPool } from "../../pool/sandbox.ts";
import type { Scope } from "./scope.ts";

const POLL_MS = 5;

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
    logger: pino({ level: "error" }, pino.destination(2)),
    onLost: () => {
      isLost = true;
    },
  });
  await scope.defer(() => pool.close());
  while ((pool.stats()[0]?.parked ?? 0) < target) {
    if (isLost) throw new Error("the spawner has ended");
    await pause(POLL_MS);
  }
  return pool;
}
