/** Asks the worker of this machine what it does (contract/worker-status.ts). For the commands ps and top. */
import { createConnection } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { MayflyError, STATUS_SOCKET, type WorkerStatus, workerStatus } from "../contract/index.ts";
import { dataDirOf } from "./data-dir.ts";

/** Errors: COMMAND_FAILED with the cure. */
export async function readWorkerStatus(env: NodeJS.ProcessEnv): Promise<WorkerStatus> {
  const path = join(dataDirOf(env), STATUS_SOCKET);
  try {
    return workerStatus.parse(JSON.parse(await text(createConnection(path))));
  } catch (cause) {
    throw new MayflyError("COMMAND_FAILED", { message: sentenceOf(cause, path), cause });
  }
}

function sentenceOf(cause: unknown, path: string): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return `No worker answers at ${path}: start one (npm start), or name its data folder with MAYFLY_DATA_DIR`;
  if (code === "EACCES") return `Only root may ask the worker at ${path}: use sudo`;
  return `The worker at ${path} said what this version does not understand: restart it`;
}
