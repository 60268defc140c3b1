/** `mayfly start` with hello/ deployed, for the suites that speak HTTP. main.ts launches it when the first one asks. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "../../cli/api-client.ts";
import { deployFolder } from "../../cli/deploy-folder.ts";
import { launchService } from "../../test/support/launched-service.ts";
import { HELLO_FOLDER } from "./lease-to-answer.ts";
import type { Scope } from "./scope.ts";

export interface BenchService {
  url: string;
  key: string;
  /** Of the launcher, whose children are Redis, gateway and worker. */
  pid: number;
  instance: string;
  redisSocket: string;
}

/** Sandboxes that it keeps parked: what burst.ts is about. */
export const SERVICE_PARKED = 16;

/** Stopped with the scope, and its folder removed. */
export async function launchBenchService(scope: Scope, instance: string): Promise<BenchService> {
  const service = await launchService(instance, { MAYFLY_POOL_TARGET: `${SERVICE_PARKED}` });
  await scope.defer(async () => {
    await service.stop();
    await service.removeData();
  });
  const client = await createClient({ url: service.url }, service.clientEnv);
  await deployFolder(client, HELLO_FOLDER, "bench-hello");
  const key = (await readFile(join(service.dataDir, "api-key"), "utf8")).trim();
  const redisSocket = join(service.dataDir, "run", "redis.sock");
  return { url: service.url, key, pid: service.pid, instance, redisSocket };
}
