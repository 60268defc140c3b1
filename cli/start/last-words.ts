/** What a process that ended wrote last, in one line for the terminal. start.ts calls it. */
import { open } from "node:fs/promises";

const TAIL_BYTES = 64 * 1024;
const PINO_ERROR_LEVEL = 50;

/** The last logged error if there is one, else the last line. */
export async function lastWords(logFile: string): Promise<string> {
  const lines = (await readTail(logFile)).split("\n").filter((line) => line.trim() !== "");
  for (const line of lines.toReversed()) {
    const sentence = sentenceOfError(line);
    if (sentence) return sentence;
  }
  return lines.at(-1) ?? "it logged nothing";
}

async function readTail(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function sentenceOfError(line: string): string | undefined {
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: number;
      msg?: string;
      err?: { message?: string };
    };
    if (level === undefined || level < PINO_ERROR_LEVEL) return undefined;
    return [msg, err?.message].filter(Boolean).join(": ");
  } catch {
    // A thrown error that nobody caught: Node prints its class and message above the stack.
    return /^(Uncaught )?\w*Error\b.*: /.test(line) ? line : undefined;
  }
}
