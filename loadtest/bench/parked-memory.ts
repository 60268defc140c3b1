/** What a parked sandbox keeps in memory: all processes of its cgroup, PID 1 too (proc(5), smaps_rollup). For growth.ts. */
import { readFileSync } from "node:fs";

export interface ParkedMemory {
  /** Nobody else has these pages. */
  privateBytes: number;
  /** Those, and the sandbox's share of what it shares with its zygote. */
  pssBytes: number;
}

/** Kilobytes of the fields, added up. */
export function sumOf(rollup: string, fields: string[]): number {
  return fields.reduce((sum, field) => {
    const [, kb] = new RegExp(`^${field}: +(\\d+) kB$`, "m").exec(rollup) ?? [];
    if (kb === undefined) throw new Error(`smaps_rollup has no ${field}`);
    return sum + Number(kb);
  }, 0);
}

/** Of one sandbox. */
export function memoryOf(pids: number[]): ParkedMemory {
  const rollups = pids.map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  const bytes = (fields: string[]) => rollups.reduce((sum, rollup) => sum + sumOf(rollup, fields) * 1024, 0);
  return { privateBytes: bytes(["Private_Clean", "Private_Dirty"]), pssBytes: bytes(["Pss"]) };
}

/** The mean, whole bytes. */
export function meanMemory(all: ParkedMemory[]): ParkedMemory {
  const mean = (pick: (one: ParkedMemory) => number) =>
    Math.round(all.reduce((sum, one) => sum + pick(one), 0) / all.length);
  return { privateBytes: mean((one) => one.privateBytes), pssBytes: mean((one) => one.pssBytes) };
}
