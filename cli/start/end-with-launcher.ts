/**
 * Loaded into gateway and worker before their own code (node --import): stops the process, as SIGTERM does, when
 * the launcher has gone. The kernel closes the channel between the two however the launcher ended, kill -9
 * included. (A parent-death signal would be lost when the gateway changes its user: prctl(2), PR_SET_PDEATHSIG.)
 */
import { isMainThread } from "node:worker_threads";

/** Longer than any orderly stop takes. */
const KILL_AFTER_MS = 40_000;

if (isMainThread && process.channel) {
  process.on("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), KILL_AFTER_MS).unref();
  });
  process.channel.unref();
}
