/** Sandboxes as lines of text, for the commands ps and top. */
import type { SandboxStatus } from "../contract/index.ts";
import { formatTable } from "./format-table.ts";

const MIB = 1024 * 1024;
const HEADINGS = [
  "SANDBOX",
  "STATE",
  "FUNCTION",
  "INVOCATION",
  "PID",
  "AGE",
  "CPU",
  "PEAK MEMORY",
  "PROCESSES",
];
/** Numbers stand right. */
const RIGHT = new Set(["PID", "AGE", "CPU", "PEAK MEMORY", "PROCESSES"]);

/** Seconds below two minutes, then minutes, then hours. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)}s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3600)}h`;
}

/** `cpu`: as the table shows it; for ps the time, for top the share of a core. */
export function sandboxTable(
  sandboxes: SandboxStatus[],
  atMs: number,
  cpu: (one: SandboxStatus) => string,
): string {
  const rows = sandboxes.map((one) => {
    const { lease, pids, memoryPeakBytes } = one;
    const limitOf = (used: number, limit: number | undefined) =>
      limit === undefined ? `${used}` : `${used}/${limit}`;
    return [
      one.id,
      one.state,
      lease?.functionName ?? "-",
      lease?.invocationId ?? "-",
      /* The main process; PID 1 comes first. */
      `${pids[1] ?? pids[0] ?? "-"}`,
      formatAge(atMs - one.sinceMs),
      cpu(one),
      `${limitOf(Math.round(memoryPeakBytes / MIB), lease?.memoryMb)} MiB`,
      limitOf(pids.length, lease?.pids),
    ];
  });
  return formatTable(HEADINGS, rows, RIGHT);
}

/** "8 parked of nodejs24, 2 parked of nodejs24 with egress"; empty without any. */
export function parkedSentence(sandboxes: SandboxStatus[]): string {
  const counts = new Map<string, number>();
  for (const { state, runtime, network } of sandboxes) {
    if (state !== "parked") continue;
    const kind = network === "egress" ? `${runtime} with egress` : runtime;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} parked of ${kind}`).join(", ");
}
