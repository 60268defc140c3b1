/** `mayfly start` with hello/ deployed, for the suites that speak HTTP. main.ts launches it when the first one asks. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "../../cli/api-client.ts";
import { deployFolder } from "../../cli/deploy-folder.ts";
import { readWorkerStatus } from "../../cli/worker-status.ts";
import { launchService } from "../../test/support/launched-service.ts";
import type { Target } from "./keep-alive-client.ts";
import { HELLO_FOLDER } from "./lease-to-answer.ts";
import type { Scope } from "./scope.ts";

export interface BenchService {
  port: number;
  key: string;
  /** Of the launcher, whose children are Redis, gateway and worker. */
  pid: number;
  instance: string;
  dataDir: string;
}

/** The name under which hello/ is deployed, here and in echo-service.ts. */
export const HELLO_FUNCTION = "bench-hello";
export const HELLO_PATH = `/v1/functions/${HELLO_FUNCTION}/invocations`;

/** Sandboxes that it keeps parked: what burst.ts is about. */
export const SERVICE_PARKED = 16;

/** Stopped with the scope, and its folder removed. */
export async function launchBenchService(
  scope: Scope,
  instance: string,
  settings: NodeJS.ProcessEnv = {},
): Promise<BenchService> {
  const service = await launchService(instance, { MAYFLY_POOL_MIN: `${SERVICE_PARKED}`, ...settings });
  await scope.defer(async () => {
    await service.stop();
    await service.removeData();
  });
  const client = await createClient({ url: service.url }, service.clientEnv);
  await deployFolder(client, HELLO_FOLDER, HELLO_FUNCTION);
  const key = (await readFile(join(service.dataDir, "api-key"), "utf8")).trim();
  return { port: service.port, key, pid: service.pid, instance, dataDir: service.dataDir };
}

/** An invocation of hello/, for KeepAliveClient. */
export const targetOf = ({ port, key }: BenchService, body: string): Target => ({
  port,
  key,
  path: HELLO_PATH,
  body,
});

const IDLE_TIMEOUT_MS = 10_000;

/** Resolves when nothing but parked sandboxes is there, and as many as there should be. */
export async function untilIdle({ dataDir }: BenchService): Promise<void> {
  const deadline = performance.now() + IDLE_TIMEOUT_MS;
  for (;;) {
    const { sandboxes } = await readWorkerStatus({ MAYFLY_DATA_DIR: dataDir });
    if (sandboxes.length >= SERVICE_PARKED && sandboxes.every(({ state }) => state === "parked")) return;
    if (performance.now() > deadline) throw new Error("the service does not come to rest");
    await pause(20);
  }
}
