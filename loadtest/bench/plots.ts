/** Which plots a run gives: file name and SVG. For document.ts. */
import { type BarRow, barPlot } from "./bar-plot.ts";
import { linePlot } from "./line-plot.ts";
import { CONTENDERS, type Comparison, type Results, type SuiteName } from "./results.ts";
import { SUITE_TITLES } from "./suite-titles.ts";
import { ms } from "./tables.ts";

export interface Plot {
  suite: SuiteName;
  /** Of the file, without `.svg`. */
  name: string;
  /** For those who do not see it. */
  title: string;
  svg: string;
}

export function plotsOf({ noop, hello, http, sustained, growth }: Results): Plot[] {
  const plots: Plot[] = [];
  const add = (suite: SuiteName, name: string, title: string, svg: (title: string) => string) =>
    plots.push({ suite, name, title, svg: svg(title) });
  for (const [suite, comparison] of Object.entries({ noop, hello, http }) as [SuiteName, Comparison?][]) {
    if (comparison === undefined) continue;
    const title = `${suite}: ${SUITE_TITLES[suite]}, p50`;
    add(suite, suite, title, (shown) => barPlot(shown, comparisonRows(comparison), "log"));
  }
  if (sustained) {
    add("sustained", "sustained", "Fresh sandboxes a second, by requests in flight", (shown) =>
      barPlot(shown, rateRows(sustained.byInFlight), "linear"),
    );
    add("sustained", "cpu", "CPU of an invocation, by process", (shown) =>
      barPlot(shown, cpuRows(sustained.cpuMsPerInvocation), "linear"),
    );
  }
  if (growth) {
    const pointsOf = (by: Record<string, number>) =>
      Object.entries(by).map(([size, value]): [number, number] => [Number(size), value]);
    add("growth", "growth-parked", "Lease to answer, p50, by parked sandboxes", (shown) =>
      linePlot(shown, "sandboxes parked", pointsOf(growth.p50MsByParked), ms),
    );
    add("growth", "growth-functions", "HTTP, p50, by deployed functions", (shown) =>
      linePlot(shown, "functions deployed", pointsOf(growth.p50MsByFunctions), ms),
    );
  }
  return plots;
}

function comparisonRows(comparison: Comparison): BarRow[] {
  return CONTENDERS.flatMap((name): BarRow[] => {
    const result = comparison[name];
    if (result === undefined) return [];
    const kind = name === "mayfly" ? "own" : name === "floor" ? "floor" : "other";
    if ("refused" in result) return [{ name, value: undefined, label: "refused", kind }];
    return [{ name, value: result.p50Ms, label: ms(result.p50Ms), kind }];
  });
}

const rateRows = (byInFlight: Record<string, number>): BarRow[] =>
  Object.entries(byInFlight).map(([name, value]) => ({ name, value, label: `${value}/s`, kind: "own" }));

const cpuRows = (parts: Record<string, number>): BarRow[] =>
  Object.entries(parts)
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, value]) => ({ name, value, label: ms(value), kind: "own" }));
