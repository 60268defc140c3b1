/** Redis and gateway as `mayfly start` starts them, and echo-worker.ts in the worker's place. For http.ts. */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "../../cli/api-client.ts";
import { deployFolder } from "../../cli/deploy-folder.ts";
import { claimPort } from "../../cli/start/claim-machine.ts";
import { prepareDataFolder } from "../../cli/start/data-folder.ts";
import { startService } from "../../cli/start/service-process.ts";
import { HOST_IDS } from "../../contract/index.ts";
import { startRedis } from "../../infra/start-redis.ts";
import type { Bench } from "./context.ts";
import { HELLO_FOLDER } from "./lease-to-answer.ts";
import type { Scope } from "./scope.ts";
import { HELLO_FUNCTION } from "./service.ts";

const HOST = "127.0.0.1";
const STOP_MS = 5_000;
const READY_TIMEOUT_MS = 20_000;

/** Stopped with the scope. Resolves once hello/ is deployed. */
export async function startEchoService(bench: Bench, scope: Scope): Promise<{ port: number; key: string }> {
  const folder = join(bench.scratch, "echo");
  await mkdir(folder);
  const data = await prepareDataFolder(folder);
  const port = await claimPort(HOST, 0);
  const redis = await startRedis({
    folder: data.redisFolder,
    socketPath: data.redisSocket,
    logFile: join(data.logs, "redis.log"),
  });
  await scope.defer(() => redis.stop());
  const common = { MAYFLY_REDIS: redis.socketPath, MAYFLY_DATA_DIR: data.root };
  const gateway = startService({
    name: "gateway",
    script: "gateway/main.ts",
    logFile: join(data.logs, "gateway.log"),
    env: {
      ...common,
      MAYFLY_HOST: HOST,
      MAYFLY_PORT: `${port}`,
      MAYFLY_API_KEY_FILE: data.apiKeyFile,
      MAYFLY_UID: `${HOST_IDS.gatewayUid}`,
      MAYFLY_GID: `${HOST_IDS.serviceGid}`,
    },
  });
  await scope.defer(() => gateway.stop(STOP_MS));
  const worker = startService({
    name: "echo worker",
    script: "loadtest/bench/echo-worker.ts",
    logFile: join(data.logs, "worker.log"),
    env: common,
  });
  await scope.defer(() => worker.stop(STOP_MS));

  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  const url = `http://${HOST}:${port}`;
  await once(worker.process, "message", { signal: deadline });
  while (!(await isReady(url))) await pause(25, undefined, { signal: deadline });
  const client = await createClient({ url, "key-file": data.apiKeyFile }, {});
  await deployFolder(client, HELLO_FOLDER, HELLO_FUNCTION);
  return { port, key: data.apiKey };
}

const isReady = (url: string) =>
  fetch(`${url}/readyz`)
    .then((response) => response.status === 200)
    .catch(() => false);
