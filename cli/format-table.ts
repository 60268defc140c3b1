/** Rows of cells as aligned lines of text, for the commands ps, top and pool. */
import { stripVTControlCharacters } from "node:util";

/** `right`: headings of columns that hold numbers. What came from a tenant cannot steer the terminal. */
export function formatTable(headings: string[], rows: string[][], right: Set<string>): string {
  const clean = rows.map((row) => row.map((cell) => stripVTControlCharacters(cell)));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...clean.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.has(headings[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [headings, ...clean].map(line).join("\n");
}
