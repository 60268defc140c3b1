/**
 * The data folder of a service on this machine, made at the first start:
 *
 *   api-key    the gateway's, for its eyes only
 *   bundles/   written by the gateway, read by the worker
 *   redis/     Redis's data        run/      its socket
 *   worker/    unpacked bundles    logs/     one file a process
 */
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HOST_IDS, MayflyError } from "../../contract/index.ts";

export interface DataFolder {
  root: string;
  apiKey: string;
  apiKeyFile: string;
  redisFolder: string;
  redisSocket: string;
  logs: string;
  /** Exists once the examples were deployed, so that deleted ones do not come back. */
  examplesMark: string;
}

/** Errors: COMMAND_FAILED when Mayfly's unprivileged users could not get there. */
export async function prepareDataFolder(root: string): Promise<DataFolder> {
  await mkdir(root, { recursive: true, mode: 0o755 });
  await chmod(root, 0o755);
  await assertReachable(root);

  const bundles = join(root, "bundles");
  await mkdir(bundles, { recursive: true, mode: 0o700 });
  await chown(bundles, HOST_IDS.gatewayUid, HOST_IDS.serviceGid);
  await mkdir(join(root, "worker"), { recursive: true, mode: 0o711 });
  const logs = join(root, "logs");
  await mkdir(logs, { recursive: true, mode: 0o755 });

  const apiKeyFile = join(root, "api-key");
  return {
    root,
    apiKey: await readOrMakeKey(apiKeyFile),
    apiKeyFile,
    redisFolder: join(root, "redis"),
    redisSocket: join(root, "run", "redis.sock"),
    logs,
    examplesMark: join(root, "examples-deployed"),
  };
}

/** Every folder above must let others pass (path_resolution(7)); gateway and Redis are not root. */
async function assertReachable(root: string): Promise<void> {
  for (let folder = dirname(root); folder !== dirname(folder); folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0) {
      throw new MayflyError("COMMAND_FAILED", {
        message: `Cannot keep data in ${root}: ${folder} is closed to Mayfly's unprivileged users; choose another folder with MAYFLY_DATA_DIR`,
      });
    }
  }
}

async function readOrMakeKey(file: string): Promise<string> {
  const key = `mf_${randomBytes(32).toString("base64url")}`;
  try {
    await writeFile(file, `${key}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  await chmod(file, 0o600);
  await chown(file, HOST_IDS.gatewayUid, HOST_IDS.serviceGid);
  return (await readFile(file, "utf8")).trim();
}
