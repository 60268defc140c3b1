/** Writes docs/benchmarks.md and its plots from one run. Called by main.ts with `--write`. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Plot, plotsOf } from "./plots.ts";
import { type Results, SUITES } from "./results.ts";
import { SUITE_NOTES, SUITE_TITLES } from "./suite-titles.ts";
import { barTable, machineTable, markdownTable, suiteTables } from "./tables.ts";

/** `folder`: of the documents. */
export async function writeDocument(folder: string, results: Results): Promise<void> {
  const plots = plotsOf(results);
  const plotFolder = join(folder, "benchmarks");
  await rm(plotFolder, { recursive: true, force: true });
  await mkdir(plotFolder, { recursive: true });
  for (const { name, svg } of plots) await writeFile(join(plotFolder, `${name}.svg`), svg);
  await writeFile(join(folder, "benchmarks.md"), documentOf(results, plots));
}

export function documentOf(results: Results, plots: Plot[]): string {
  const quick = results.machine.quick
    ? "\n\n**Made with `--quick`: too few of everything to be quoted.**"
    : "";
  const head = `# Benchmarks

Made by one run of \`npm run --silent bench -- --write\` ([loadtest/bench/main.ts](../loadtest/bench/main.ts)); do not edit.
Contenders take turns within that run, with a pause before each, so that whatever else the machine does meets all of them
alike. What counts are the ratios; times are another machine's on another day.${quick}`;
  const sections = SUITES.flatMap((suite) => {
    const tables = suiteTables(results, suite);
    if (tables.length === 0) return [];
    const images = plots
      .filter((plot) => plot.suite === suite)
      .map(({ name, title }) => `![${title}](benchmarks/${name}.svg)`);
    return [
      `## ${suite}: ${SUITE_TITLES[suite]}`,
      SUITE_NOTES[suite],
      ...tables.map(markdownTable),
      ...images,
    ];
  });
  const parts = [
    head,
    markdownTable(machineTable(results.machine)),
    "## Promised and measured",
    markdownTable(barTable(results, true)),
    ...sections,
  ];
  return `${parts.join("\n\n")}\n`;
}
