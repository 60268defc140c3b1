/** Keeps the log files of `mayfly start` from filling the disk. start.ts calls it. */
import { copyFile, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const CHECK_EVERY_MS = 60_000;

/**
 * Now and then moves the content of a large file to `<name>.1`. Copied and cut, not renamed: the children hold
 * the files open, in append mode. Lines written between the two steps are lost.
 */
export function limitLogs(folder: string): void {
  setInterval(() => {
    limitOnce(folder).catch((error) =>
      console.error(`mayfly: cannot limit the logs in ${folder}:`, error.message),
    );
  }, CHECK_EVERY_MS).unref();
}

async function limitOnce(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!name.endsWith(".log") || (await stat(file)).size < FILE_BYTES_MAX) continue;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  }
}
