/**
 * Starts the embedded Redis: a child `redis-server` on a Unix socket, without a TCP port, as an unprivileged user,
 * with its data on disk (append-only file, flushed every second: an unclean stop loses at most that second).
 * `mayfly start` and integration tests call it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chown, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { HOST_IDS, MayflyError } from "../contract/index.ts";

/** sockaddr_un holds 108 bytes, one of them the end (unix(7)). */
const SOCKET_PATH_MAX_BYTES = 107;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

export interface RedisOptions {
  /** Redis keeps its files here; made when missing. */
  folder: string;
  /** Its folder is made when missing, and only Mayfly's service group may enter it. */
  socketPath: string;
  logFile: string;
}

export interface RunningRedis {
  socketPath: string;
  process: ChildProcess;
  /** Saves and ends; kills after ten seconds. Removes the socket. May be called again. */
  stop(): Promise<void>;
}

/** Resolves when Redis accepts connections. Errors: COMMAND_FAILED with Redis's last words. */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const { folder, socketPath, logFile } = options;
  if (Buffer.byteLength(socketPath) > SOCKET_PATH_MAX_BYTES) {
    throw new MayflyError("COMMAND_FAILED", {
      message: `Cannot start Redis: the path of its socket, ${socketPath}, is longer than ${SOCKET_PATH_MAX_BYTES} bytes; choose a shorter data folder`,
    });
  }
  await makeFolder(folder, 0o700);
  await makeFolder(dirname(socketPath), 0o750);
  await rm(socketPath, { force: true });

  const child = spawn(
    "setpriv",
    [...privilegeArguments(), "redis-server", ...redisArguments(folder, socketPath)],
    {
      stdio: ["ignore", "pipe", "pipe"],
      // Out of the terminal's process group: Ctrl-C goes to the launcher, which stops Redis last.
      detached: true,
    },
  );
  const log = createWriteStream(logFile, { flags: "a", mode: 0o640 });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once("close", () => log.end());

  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(timer);
    }
    await rm(socketPath, { force: true });
  };

  try {
    await untilReady(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { socketPath, process: child, stop };
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  await chown(folder, HOST_IDS.redisUid, HOST_IDS.serviceGid);
}

/** The parent-death signal ends Redis even when the launcher is killed and cannot (prctl(2), PR_SET_PDEATHSIG). */
function privilegeArguments(): string[] {
  const ids = [`--reuid=${HOST_IDS.redisUid}`, `--regid=${HOST_IDS.serviceGid}`, "--clear-groups"];
  return [...ids, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig=TERM", "--"];
}

function redisArguments(folder: string, socketPath: string): string[] {
  return [
    ...["--port", "0", "--unixsocket", socketPath, "--unixsocketperm", "770"],
    ...["--dir", folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
    // Jobs must never be dropped silently: a full Redis refuses new ones instead.
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""],
  ];
}

/** Redis says on stdout when it has loaded its data and listens. */
async function untilReady(child: ChildProcess): Promise<void> {
  let lastLine = "it said nothing";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why: string, cause?: unknown) =>
    reject(new MayflyError("COMMAND_FAILED", { message: `Cannot start Redis: ${why}`, cause }));

  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      if (line.trim() !== "") lastLine = line;
      if (/ready to accept connections/i.test(line)) resolve();
    });
  }
  child.once("error", (cause) => fail(`${cause.message}; is the package redis-server installed?`, cause));
  child.once("close", (code, signal) => fail(`it ended with ${signal ?? `code ${code}`}: ${lastLine}`));
  const timer = setTimeout(
    () => fail(`it was not ready after ${START_TIMEOUT_MS} ms: ${lastLine}`),
    START_TIMEOUT_MS,
  );
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
