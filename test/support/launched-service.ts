/** `mayfly start` as a child, with a data folder and a port of its own; for end-to-end tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** So that it meets no other service on this machine. */
const ON_ITS_OWN = {
  MAYFLY_PORT: "0",
  MAYFLY_GATEWAY_METRICS_PORT: "off",
  MAYFLY_WORKER_METRICS_PORT: "off",
};

export interface LaunchedService {
  url: string;
  port: number;
  pid: number;
  dataDir: string;
  /** For the `mayfly` command, to reach this service. */
  clientEnv: NodeJS.ProcessEnv;
  invoke(name: string, event: unknown): Promise<Answer>;
  /** Asks it to stop, as Ctrl-C does. Rejects when it does not end with code 0. */
  stop(): Promise<void>;
  /** Waits for its end, whoever brought it about. Rejects when that is not code 0, with what it said last. */
  ended(): Promise<void>;
  removeData(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the answers of many functions; tests assert what they use.
  body: any;
}

/** Resolves when it has said that it is ready. Rejects with what it said instead, and removes its folder. */
export async function launchService(instance: string, env: NodeJS.ProcessEnv = {}): Promise<LaunchedService> {
  const dataDir = await mkdtemp(join(tmpdir(), "mayfly-"));
  await chmod(dataDir, 0o755);
  const removeData = () => rm(dataDir, { recursive: true });
  const child = spawn(process.execPath, ["cli/main.ts", "start"], {
    cwd: PROJECT,
    env: { ...process.env, ...ON_ITS_OWN, MAYFLY_DATA_DIR: dataDir, MAYFLY_INSTANCE: instance, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  try {
    const { url, key } = await untilReady(child, said);
    return {
      url,
      port: Number(new URL(url).port),
      pid: child.pid ?? 0,
      dataDir,
      clientEnv: { ...process.env, MAYFLY_URL: url, MAYFLY_API_KEY: key },
      invoke: (name, event) => invoke(url, key, name, event),
      stop: () => {
        child.kill("SIGINT");
        return ended(child, said);
      },
      ended: () => ended(child, said),
      removeData,
    };
  } catch (error) {
    await removeData();
    throw error;
  }
}

/** Reads the address and the key off the terminal, where a newcomer finds them. */
async function untilReady(child: ChildProcess, said: string[]): Promise<{ url: string; key: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ url: string; key: string }>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      said.push(line);
      if (!line.includes("curl ")) return;
      const [, url] = /(http:\/\/[^/\s]+)/.exec(line) ?? [];
      const [, key] = /Bearer ([\w-]+)/.exec(line) ?? [];
      if (url && key) resolve({ url, key });
    });
  }
  child.once("close", (code) => reject(new Error(`it ended with code ${code}: ${said.join(" | ")}`)));
  return await promise;
}

async function invoke(url: string, key: string, name: string, event: unknown): Promise<Answer> {
  const response = await fetch(`${url}/v1/functions/${name}/invocations`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body: JSON.stringify(event),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function ended(child: ChildProcess, said: string[]): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "close");
  if (child.exitCode !== 0) {
    throw new Error(
      `it ended with ${child.signalCode ?? `code ${child.exitCode}`}: ${said.slice(-3).join(" | ")}`,
    );
  }
}
