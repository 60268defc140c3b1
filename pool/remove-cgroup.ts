/** Removes a sandbox's cgroup once it is empty: the last process leaves it a moment after its pid namespace. */
import { setTimeout as delay } from "node:timers/promises";
import { MayflyError } from "../contract/index.ts";
import type { Cgroup } from "../native/ts/cgroup.ts";

/** Together some six seconds; after that something holds it that does not let go. */
const ATTEMPTS = 300;
const RETRY_MAX_MS = 20;

/** `onEmpty` is called when it is, before it is removed. Errors: CGROUP_FAILED. */
export async function removeCgroup(cgroup: Cgroup, onEmpty = () => {}): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (cgroup.isEmpty()) {
      onEmpty();
      if (cgroup.remove()) return;
    }
    await delay(Math.min(attempt, RETRY_MAX_MS));
  }
  throw new MayflyError("CGROUP_FAILED", {
    message: `Cannot remove cgroup ${cgroup.name}: something is still in it`,
  });
}
