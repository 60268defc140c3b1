/** The results as tables: on a terminal, and as Markdown in docs/benchmarks.md. */
import { barsOf, verdictOf } from "./bars.ts";
import {
  CONTENDERS,
  type Comparison,
  type GrowthResult,
  type Machine,
  type Results,
  type SuiteName,
  type SustainedResult,
} from "./results.ts";
import { ratio } from "./timing.ts";

/** Cells of text; the first row is the head. */
export type Table = string[][];

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const whole = (value: number) => Math.round(value).toLocaleString("en-US");

export function comparisonTable(comparison: Comparison): Table {
  const rows = [["", "p50", "p99", "n", "p50 by Mayfly's"]];
  for (const name of CONTENDERS) {
    const result = comparison[name];
    if (result === undefined) continue;
    if ("refused" in result) {
      rows.push([name, "refused", "", "", result.refused]);
      continue;
    }
    const times = ratio(result, comparison.mayfly);
    const shown = times === undefined ? "" : `${times.toFixed(times < 10 ? 2 : 0)}×`;
    rows.push([name, ms(result.p50Ms), ms(result.p99Ms), whole(result.n), shown]);
  }
  return rows;
}

function helloTable(results: Results): Table {
  const table = comparisonTable(results.hello ?? {});
  const { mayfly } = results.hello ?? {};
  if (mayfly !== undefined && "p50Ms" in mayfly && mayfly.halfLoad !== undefined) {
    const { p50Ms, p99Ms, n, perSecond } = mayfly.halfLoad;
    table.splice(2, 0, [`mayfly, half load (${perSecond}/s)`, ms(p50Ms), ms(p99Ms), whole(n), ""]);
  }
  return table;
}

function rateTable({ byInFlight, floorPerSecond }: SustainedResult): Table {
  const rows = Object.entries(byInFlight).map(([inFlight, rate]) => [
    `${inFlight} in flight`,
    `${whole(rate)}/s`,
  ]);
  return [["", "fresh sandboxes"], ...rows, ["floor", `${whole(floorPerSecond)}/s`]];
}

function cpuTable({ cpuMsPerInvocation }: SustainedResult): Table {
  const parts = Object.entries(cpuMsPerInvocation).sort(([, a], [, b]) => b - a);
  const total = parts.reduce((sum, [, spent]) => sum + spent, 0);
  const rows = parts.map(([name, spent]) => [name, ms(spent), `${whole((spent * 100) / total)} %`]);
  return [["CPU of an invocation", "", ""], ...rows, ["together", ms(total), "100 %"]];
}

function growthTables({ p50MsByParked, p50MsByFunctions, ...memory }: GrowthResult): Table[] {
  const rowsOf = (by: Record<string, number>) =>
    Object.entries(by).map(([size, p50]) => [whole(Number(size)), ms(p50)]);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  return [
    [["parked sandboxes", "lease to answer, p50"], ...rowsOf(p50MsByParked)],
    [["deployed functions", "HTTP, p50"], ...rowsOf(p50MsByFunctions)],
    [
      ["a parked sandbox", "memory"],
      ["private", megabytes(memory.privateBytesPerParked)],
      ["PSS", megabytes(memory.pssBytesPerParked)],
    ],
  ];
}

/** Of the suites that ran. */
export function suiteTables(results: Results, suite: SuiteName): Table[] {
  const { noop, http, sustained, growth, burst, soak } = results;
  switch (suite) {
    case "noop":
      return noop ? [comparisonTable(noop)] : [];
    case "hello":
      return results.hello ? [helloTable(results)] : [];
    case "http":
      return http ? [comparisonTable(http)] : [];
    case "sustained":
      return sustained ? [rateTable(sustained), cpuTable(sustained)] : [];
    case "growth":
      return growth ? growthTables(growth) : [];
    case "burst":
      return burst
        ? [
            [
              ["requests", "errors", "p99"],
              [whole(burst.n), whole(burst.errors), ms(burst.p99Ms)],
            ],
          ]
        : [];
    case "soak": {
      if (!soak) return [];
      const cells = [whole(soak.n), whole(soak.leaked), `${soak.drift.toFixed(2)}×`];
      return [[["invocations", "leaked", "last tenth's p50 by the first's"], cells]];
    }
  }
}

/** Nothing of what this run did not measure, unless `all`. */
export function barTable(results: Results, all: boolean): Table {
  const bars = barsOf(results).filter(({ isMet }) => all || isMet !== undefined);
  const shown = (measured: number | undefined, unit: string) =>
    measured === undefined ? "" : `${Number(measured.toPrecision(3)).toLocaleString("en-US")} ${unit}`.trim();
  const rows = bars.map((bar) => [bar.promise, shown(bar.measured, bar.unit), verdictOf(bar)]);
  return [["promised", "measured", "met?"], ...rows];
}

export function machineTable({ versions, ...machine }: Machine): Table {
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    ["machine", ""],
    ["processor", `${machine.processor}, ${machine.cores} cores`],
    ["memory", `${whole(machine.memoryMb)} MiB`],
    ["system", `Linux ${machine.kernel}, ${machine.distribution}, cgroups ${machine.cgroups}`],
    ["beside", [`Node.js ${machine.node.slice(1)}`, ...others].join(", ")],
    ["load before the run", `${machine.loadAverage}`],
    ["day", machine.date],
  ];
}

const widthsOf = (rows: Table) =>
  (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));

const padded = (row: string[], widths: number[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0));

/** For a terminal. */
export function plainTable(rows: Table): string {
  const widths = widthsOf(rows);
  return rows.map((row) => `  ${padded(row, widths).join("  ").trimEnd()}`).join("\n");
}

export function markdownTable(rows: Table): string {
  const widths = widthsOf(rows);
  const [head = [], ...body] = rows.map((row) => `| ${padded(row, widths).join(" | ")} |`);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}
