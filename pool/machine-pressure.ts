/**
 * Pressure on the machine as the kernel sees it: the share of the last ten seconds in which some task waited for memory,
 * or for a CPU (Documentation/accounting/psi.rst). autosizer.ts reads it once a second.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

export interface MachinePressure {
  /** Percent, 0 to 100; 0 where the kernel does not say. */
  memory: number;
  cpu: number;
}

export const NO_PRESSURE: MachinePressure = { memory: 0, cpu: 0 };

/** The first line: "some avg10=1.53 avg60=0.87 avg300=0.21 total=58761459". */
export function parsePressure(text: string): number {
  return Number(/^some avg10=([\d.]+)/.exec(text)?.[1] ?? 0);
}

/** Seconds in which some task waited, since the machine was started; 0 where the kernel does not say. For metrics. */
export function readPressureSeconds(folder = "/proc/pressure"): MachinePressure {
  const of = (name: string) => {
    try {
      const [, totalUs = "0"] = /^some .*total=(\d+)/.exec(readFileSync(`${folder}/${name}`, "utf8")) ?? [];
      return Number(totalUs) / 1e6;
    } catch {
      return 0;
    }
  };
  return { memory: of("memory"), cpu: of("cpu") };
}

/** Undefined where the kernel is built or booted without it (psi=0). */
export async function readMachinePressure(folder = "/proc/pressure"): Promise<MachinePressure | undefined> {
  try {
    const [memory, cpu] = await Promise.all(
      ["memory", "cpu"].map(async (name) => parsePressure(await readFile(`${folder}/${name}`, "utf8"))),
    );
    return { memory: memory ?? 0, cpu: cpu ?? 0 };
  } catch {
    return undefined;
  }
}
