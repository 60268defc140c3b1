/**
 * Loaded into gateway and worker before their own code (node --import): stops the process, as SIGTERM does, when
 * the launcher has gone. The kernel closes the channel between the two however the launcher ended, kill -9
 * included. (A parent-death signal would be lost when the gateway changes its user: prctl(2), PR_SET_PDEATHSIG.)
 */
import { isMainThread } from "node:worker_threads";

/** Without its launcher and its Redis there is nothing to wait for but the worker's drain (MAYFLY_DRAIN_MS) and teardowns. */
const KILL_AFTER_MS = 15_000;

if (isMainThread && process.channel) {
  process.on("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), KILL_AFTER_MS).unref();
  });
  process.channel.unref();
}
