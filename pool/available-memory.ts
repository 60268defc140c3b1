/** How much memory parked sandboxes may take where the operator does not say. worker/main.ts asks. */
import { totalmem } from "node:os";

/** Of the machine's memory, or of the cgroup's in which the worker runs, if that is limited to less. */
const DEFAULT_SHARE = 0.25;

export function defaultPoolBudgetBytes(): number {
  /* 0 where there is no limit. */
  const limit = process.constrainedMemory();
  return DEFAULT_SHARE * (limit > 0 ? Math.min(limit, totalmem()) : totalmem());
}
