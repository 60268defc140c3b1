/** The service under load: one that runs, or one that is started and stopped. main.ts calls it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ApiClient, createClient } from "../../cli/api-client.ts";
import { dataDirOf } from "../../cli/data-dir.ts";
import { deployFolder } from "../../cli/deploy-folder.ts";
import { freePorts } from "../../infra/free-ports.ts";
import { launchService } from "../../test/support/launched-service.ts";
import type { Scope } from "../bench/scope.ts";
import type { Options } from "./options.ts";
import { FUNCTION_FOLDERS } from "./scenarios.ts";

const LOADTEST = fileURLToPath(new URL("..", import.meta.url));

export interface LoadTarget {
  url: string;
  apiKey: string;
  client: ApiClient;
  metrics: { gateway: string; worker: string };
}

/** `settings`: of a service that is started. */
export async function openTarget(
  options: Options,
  settings: Record<string, string>,
  scope: Scope,
): Promise<LoadTarget> {
  return options.url === undefined
    ? await launchTarget(settings, scope)
    : await givenTarget(options, options.url);
}

async function launchTarget(settings: Record<string, string>, scope: Scope): Promise<LoadTarget> {
  const [gatewayPort, workerPort] = await freePorts(2);
  const service = await launchService(`load-${process.pid}`, {
    ...settings,
    MAYFLY_GATEWAY_METRICS_PORT: `${gatewayPort}`,
    MAYFLY_WORKER_METRICS_PORT: `${workerPort}`,
  });
  await scope.defer(async () => {
    await service.stop();
    await service.removeData();
  });
  const apiKey = service.clientEnv.MAYFLY_API_KEY ?? "";
  const client = await createClient({ url: service.url }, service.clientEnv);
  const at = (port: number | undefined) => `http://127.0.0.1:${port}/metrics`;
  return { url: service.url, apiKey, client, metrics: { gateway: at(gatewayPort), worker: at(workerPort) } };
}

async function givenTarget({ keyFile, metrics }: Options, url: string): Promise<LoadTarget> {
  const fromFile = async () =>
    (await readFile(keyFile ?? join(dataDirOf(process.env), "api-key"), "utf8")).trim();
  const apiKey =
    keyFile === undefined && process.env.MAYFLY_API_KEY ? process.env.MAYFLY_API_KEY : await fromFile();
  const client = await createClient({ url }, { ...process.env, MAYFLY_API_KEY: apiKey });
  const { hostname } = new URL(url);
  const at = (port: number) => `http://${hostname}:${port}/metrics`;
  return {
    url,
    apiKey,
    client,
    metrics: { gateway: metrics.gateway ?? at(9464), worker: metrics.worker ?? at(9465) },
  };
}

export async function deployFunctions(client: ApiClient, names: Iterable<string>): Promise<void> {
  for (const name of names) {
    const folder = FUNCTION_FOLDERS[name];
    if (folder === undefined) throw new Error(`scenarios.ts has no folder of ${name}`);
    await deployFolder(client, join(LOADTEST, folder), name);
  }
}
