/** The results for people, on stdout. Called by main.ts. */
import { type Results, SUITES } from "./results.ts";
import { SUITE_TITLES } from "./suite-titles.ts";
import { barTable, machineTable, plainTable, suiteTables } from "./tables.ts";

export function printResults(results: Results): void {
  console.log(`${plainTable(machineTable(results.machine))}\n`);
  for (const suite of SUITES) {
    const tables = suiteTables(results, suite);
    if (tables.length > 0) console.log(`${suite}: ${SUITE_TITLES[suite]}\n`);
    for (const table of tables) console.log(`${plainTable(table)}\n`);
  }
  console.log(plainTable(barTable(results, false)));
}
