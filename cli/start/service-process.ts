/**
 * One of our own processes (gateway, worker) as a child of the launcher: its output goes to a log file, it is
 * told to stop by SIGTERM, and it ends by itself when the launcher is gone (end-with-launcher.ts).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const PRELOAD = new URL("./end-with-launcher.ts", import.meta.url).href;

/** What a child inherits besides MAYFLY_ and OTEL_ settings. Nothing else of the user's environment is its business. */
const INHERITED = ["PATH", "TZ", "LANG", "NODE_EXTRA_CA_CERTS"];
/** For clients, not for services. */
const NOT_FOR_SERVICES = ["MAYFLY_API_KEY", "MAYFLY_URL"];

export interface ServiceProcess {
  name: string;
  process: ChildProcess;
  logFile: string;
  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when the process is gone; may be called again. */
  stop(graceMs: number): Promise<void>;
}

export interface ServiceOptions {
  name: string;
  /** Relative to the project: `worker/main.ts`. */
  script: string;
  env: Record<string, string>;
  logFile: string;
}

export function startService({ name, script, env, logFile }: ServiceOptions): ServiceProcess {
  const log = openSync(logFile, "a", 0o640);
  const child = spawn(process.execPath, ["--import", PRELOAD, script], {
    cwd: PROJECT,
    env: { ...inheritedEnvironment(process.env), ...env },
    stdio: ["ignore", log, log, "ipc"],
    // Out of the terminal's process group: Ctrl-C reaches the launcher alone, which stops one after the other.
    detached: true,
  });
  closeSync(log);
  return { name, process: child, logFile, stop: (graceMs) => stopChild(child, graceMs) };
}

async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await gone;
  clearTimeout(timer);
}

function inheritedEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForServices = (key: string) =>
    INHERITED.includes(key) ||
    key.startsWith("OTEL_") ||
    (key.startsWith("MAYFLY_") && !NOT_FOR_SERVICES.includes(key));
  return Object.fromEntries(Object.entries(env).filter(([key]) => isForServices(key)));
}
