/**
 * `mayfly start`: Redis, gateway and worker on this machine, until Ctrl-C. Everything that can be refused is
 * refused before the first process starts; whatever ends, everything ends, in the order worker, gateway, Redis.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HOST_IDS, MayflyError } from "../../contract/index.ts";
import { startRedis } from "../../infra/start-redis.ts";
import { requireSuitableMachine } from "../../native/ts/probe.ts";
import { createClient } from "../api-client.ts";
import { deployFolder } from "../deploy-folder.ts";
import { claimInstance, claimPort } from "../start/claim-machine.ts";
import { type DataFolder, prepareDataFolder } from "../start/data-folder.ts";
import { lastWords } from "../start/last-words.ts";
import { limitLogs } from "../start/limit-logs.ts";
import { type ServiceProcess, startService } from "../start/service-process.ts";
import { readStartSettings, type StartSettings } from "../start/start-settings.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const READY_TIMEOUT_MS = 60_000;
/** The worker drains first (MAYFLY_DRAIN_MS) and then destroys its sandboxes; the gateway takes up to 25 s. */
const WORKER_GRACE_MS = 15_000;
const GATEWAY_GRACE_MS = 30_000;

/** Resolves to the exit code once everything is stopped: 0 when it was asked to stop. */
export async function startCommand(): Promise<number> {
  const stopAsked = new Promise<"stop">((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve("stop"));
  });
  const settings = readStartSettings(process.env);
  if (process.getuid?.() !== 0) {
    throw new MayflyError("COMMAND_FAILED", {
      message: 'Mayfly needs root to build sandboxes: run it with sudo, for example "sudo npm start"',
    });
  }
  requireSuitableMachine();
  const lock = await claimInstance(settings.instance);
  const port = await claimPort(settings.host, settings.port);
  const data = await prepareDataFolder(settings.dataDir);
  limitLogs(data.logs);

  /** How to take down what is up, the last one first. */
  const stops: (() => Promise<void>)[] = [];
  let isStopping = false;
  try {
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    const watch = (name: string, child: ChildProcess, logFile: string) => {
      child.once("exit", () => void reportEnd(name, child, logFile).catch(failed.reject));
    };

    const started = async (): Promise<"started"> => {
      let redis = settings.redisUrl;
      if (redis === undefined) {
        const logFile = join(data.logs, "redis.log");
        const starting = startRedis({ folder: data.redisFolder, socketPath: data.redisSocket, logFile });
        stops.push(async () => (await starting.catch(() => undefined))?.stop());
        const own = await starting;
        watch("Redis", own.process, logFile);
        redis = own.socketPath;
      }
      // Stopped meanwhile: what would start now would have nobody to stop it.
      if (isStopping) return await failed.promise;
      const common = { MAYFLY_REDIS: redis, MAYFLY_DATA_DIR: data.root, MAYFLY_INSTANCE: settings.instance };
      const gateway = startService({
        name: "gateway",
        script: "gateway/main.ts",
        logFile: join(data.logs, "gateway.log"),
        env: {
          ...common,
          MAYFLY_HOST: settings.host,
          MAYFLY_PORT: String(port),
          MAYFLY_API_KEY_FILE: data.apiKeyFile,
          MAYFLY_UID: String(HOST_IDS.gatewayUid),
          MAYFLY_GID: String(HOST_IDS.serviceGid),
        },
      });
      stops.push(() => gateway.stop(GATEWAY_GRACE_MS));
      watch(gateway.name, gateway.process, gateway.logFile);

      const worker = startService({
        name: "worker",
        script: "worker/main.ts",
        logFile: join(data.logs, "worker.log"),
        env: common,
      });
      stops.push(() => worker.stop(settings.drainMs + WORKER_GRACE_MS));
      watch(worker.name, worker.process, worker.logFile);

      const url = `http://${settings.host.includes(":") ? `[${settings.host}]` : settings.host}:${port}`;
      await untilReady(worker, url);
      await deployExamples(url, data);
      printWelcome(url, data, settings);
      return "started";
    };

    // A signal during the start ends it; a child that ends ends everything, at any time.
    const first = await Promise.race([started(), stopAsked, failed.promise]);
    if (first === "started") await Promise.race([stopAsked, failed.promise]);
    console.log("\nmayfly: stopping");
    return 0;
  } finally {
    isStopping = true;
    for (const stop of stops.reverse()) await stop();
    lock.close();
    // The channels to the children and an unfinished start would keep the process; nothing is left to do.
    setImmediate(() => process.exit());
  }
}

/** Rejects with what the log says of an end that nobody asked for. */
async function reportEnd(name: string, child: ChildProcess, logFile: string): Promise<never> {
  const how = child.signalCode ?? `code ${child.exitCode}`;
  const words = await lastWords(logFile);
  throw new MayflyError("COMMAND_FAILED", {
    message: `The ${name} has ended with ${how}: ${words}\n  Its log: ${logFile}`,
  });
}

/** The worker reports on its channel; the gateway answers /readyz. */
async function untilReady(worker: ServiceProcess, url: string): Promise<void> {
  const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
  try {
    await once(worker.process, "message", { signal: deadline });
    while ((await statusOf(`${url}/readyz`)) !== 200) await delay(25, undefined, { signal: deadline });
  } catch (cause) {
    const message = `Mayfly was not ready after ${READY_TIMEOUT_MS / 1000} s: its log may say why: ${worker.logFile}`;
    throw new MayflyError("COMMAND_FAILED", { message, cause });
  }
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url)).status;
  } catch {
    return undefined;
  }
}

async function deployExamples(url: string, data: DataFolder): Promise<void> {
  if (existsSync(data.examplesMark)) return;
  const client = await createClient({ url, "key-file": data.apiKeyFile }, {});
  for (const name of (await readdir(EXAMPLES)).sort()) {
    const folder = join(EXAMPLES, name);
    if (existsSync(join(folder, "mayfly.json"))) await deployFolder(client, folder, name);
  }
  await writeFile(data.examplesMark, "");
}

function printWelcome(url: string, data: DataFolder, { metrics }: StartSettings): void {
  const shown = [metrics.gateway, metrics.worker]
    .filter((address) => address !== undefined && address.port !== 0)
    .map((address) => `http://${address?.host}:${address?.port}/metrics`);
  console.log(`Mayfly is ready; Ctrl-C stops it.

  URL      ${url}
  API key  ${data.apiKey}  (kept in ${data.apiKeyFile})
  Logs     ${data.logs}${shown.length === 0 ? "" : `\n  Metrics  ${shown.join("  ")}`}

Try it:

  curl -s ${url}/v1/functions/hello/invocations -H 'Authorization: Bearer ${data.apiKey}' -d '{"name": "you"}'
`);
}
