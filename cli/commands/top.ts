/** `mayfly top`: what ps shows, again and again, the busiest first. On a terminal it takes the screen; q ends it. */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { MayflyError, type WorkerStatus } from "../../contract/index.ts";
import { parkedSentence, sandboxTable } from "../sandbox-table.ts";
import { readWorkerStatus } from "../worker-status.ts";

const OPTIONS = { interval: { type: "string", default: "1" }, once: { type: "boolean" } } as const;
/** The other screen without a cursor, and back. */
const [ENTER_SCREEN, LEAVE_SCREEN] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];
const CTRL_C = "\u0003";
const CLEAR = "\x1b[H\x1b[J";

export async function topCommand(words: string[]): Promise<number> {
  const { values } = parseArgs({ args: words, options: OPTIONS });
  const seconds = Number(values.interval);
  if (!(seconds >= 0.1 && seconds <= 3600))
    throw new MayflyError("COMMAND_FAILED", { message: "--interval takes seconds, 0.1 to 3600" });
  const isScreen = process.stdout.isTTY && values.once !== true;
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
  if (isScreen) takeScreen(stop);
  try {
    let before = await readWorkerStatus(process.env);
    do {
      await pause(seconds * 1000, undefined, { signal: stopped.signal });
      const now = await readWorkerStatus(process.env);
      const text = frame(before, now);
      process.stdout.write(isScreen ? `${CLEAR}${clip(text)}` : `${text}\n`);
      before = now;
    } while (values.once !== true);
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
  } finally {
    if (isScreen) giveBackScreen();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop);
  }
  return 0;
}

/** CPU is the share of one core since the frame before. */
function frame(before: WorkerStatus, now: WorkerStatus): string {
  const elapsedUs = Math.max(1, now.atMs - before.atMs) * 1000;
  const earlier = new Map(before.sandboxes.map(({ id, cpuUs }) => [id, cpuUs]));
  const percent = ({ id, cpuUs }: { id: string; cpuUs: number }) => {
    const used = cpuUs - (earlier.get(id) ?? 0);
    return (100 * used) / elapsedUs;
  };
  const busy = now.sandboxes.filter(({ state }) => state !== "parked");
  busy.sort((a, b) => percent(b) - percent(a));
  const title = `mayfly ${now.instance}, worker ${now.pid}: ${busy.length} in use; ${parkedSentence(now.sandboxes) || "none parked"}`;
  return `${title}\n\n${sandboxTable(busy, now.atMs, (one) => `${percent(one).toFixed(0)}%`)}`;
}

function takeScreen(stop: () => void): void {
  process.stdout.write(ENTER_SCREEN);
  process.stdin.setRawMode?.(true);
  process.stdin.on("data", (keys) => {
    /* In raw mode Ctrl-C is a key. */
    if (["q", CTRL_C].includes(keys.toString())) stop();
  });
}

function giveBackScreen(): void {
  process.stdin.setRawMode?.(false);
  process.stdin.pause();
  process.stdout.write(LEAVE_SCREEN);
}

/** As much as the terminal shows; a line that wraps would push the title away. */
function clip(text: string): string {
  /* Some terminals say that they have no size at all. */
  const { rows, columns } = process.stdout;
  return text
    .split("\n")
    .slice(0, (rows || 24) - 1)
    .map((line) => line.slice(0, columns || 80))
    .join("\n");
}
