/** The results as tables: on a terminal, and as Markdown in docs/benchmarks.md. */
import { CONTENDERS, type Comparison, type Results } from "./results.ts";
import { ratio } from "./timing.ts";

/** Cells of text; the first row is the head. */
export type Table = { title: string; rows: string[][] };

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

export function comparisonTable(title: string, comparison: Comparison): Table {
  const rows = [["", "p50", "p99", "n", "of Mayfly's"]];
  for (const name of CONTENDERS) {
    const result = comparison[name];
    if (result === undefined) continue;
    if ("refused" in result) rows.push([name, "refused", "", "", result.refused]);
    else {
      const times = ratio(result, comparison.mayfly);
      rows.push([
        name,
        ms(result.p50Ms),
        ms(result.p99Ms),
        `${result.n}`,
        times === undefined ? "" : `${times.toFixed(times < 10 ? 2 : 0)}×`,
      ]);
    }
  }
  return { title, rows };
}

export function tablesOf({ noop, hello, http }: Results): Table[] {
  const tables: Table[] = [];
  if (noop) tables.push(comparisonTable("noop: create, run, gone", noop));
  if (hello) tables.push(comparisonTable("hello: one event in Node.js, nothing reused", hello));
  if (http) tables.push(comparisonTable("http: end to end, one connection", http));
  return tables;
}

const widthsOf = (rows: string[][]) =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));

/** For a terminal. */
export function plainTable({ title, rows }: Table): string {
  const widths = widthsOf(rows);
  const line = (row: string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ");
  return [title, ...rows.map((row) => `  ${line(row).trimEnd()}`)].join("\n");
}

export function printTables(results: Results): void {
  const { processor, cores, memoryMb, kernel } = results.machine;
  console.log(`${processor}, ${cores} cores, ${memoryMb} MB, Linux ${kernel}\n`);
  for (const table of tablesOf(results)) console.log(`${plainTable(table)}\n`);
}
