/** Where each runtime's root filesystem is, and how its processes are started inside. */
import { fileURLToPath } from "node:url";
import type { Runtime } from "../contract/index.ts";
import type { SpawnerOptions } from "../native/ts/spawner.ts";

export const RUNTIME_COMMANDS: Record<
  Runtime,
  Pick<SpawnerOptions, "rootfs" | "zygoteCommand" | "runnerCommand">
> = {
  nodejs24: {
    rootfs: fileURLToPath(new URL("../runtimes/node/build/rootfs", import.meta.url)),
    /*
     * --single-threaded: a forked process has no threads but its own. --disable-sigusr1: no debugger thread.
     * --max-semi-space-size: a young generation for small sandboxes (docs/decisions/0005).
     */
    zygoteCommand: [
      "/usr/bin/node",
      "--single-threaded",
      "--v8-pool-size=0",
      "--disable-sigusr1",
      "--max-semi-space-size=4",
      "/var/runtime/runtimes/node/guest/zygote.js",
    ],
    runnerCommand: ["/usr/bin/node", "--disable-sigusr1", "/var/runtime/runtimes/node/guest/exec.js"],
  },
};
