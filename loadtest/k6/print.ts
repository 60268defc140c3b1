/** The tables of a run on the terminal. */
import type { RampStep } from "./ramp.ts";
import type { Change, PromiseResult, Summary } from "./results.ts";

const number = (value: number) =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : `${Math.round(value * 100) / 100}`;

const pad = (value: number, width: number) => number(value).padStart(width);

export const STEP_HEAD = "  rate/s  answered/s   p50 ms   p99 ms  failed  dropped  k6 CPU";

export const stepLine = ({
  rate,
  achieved,
  p50,
  p99,
  failed,
  dropped,
  generatorCpu,
  broken,
}: RampStep): string =>
  `${pad(rate, 8)}${pad(achieved, 12)}${pad(p50, 9)}${pad(p99, 9)}${pad(failed, 8)}${pad(dropped, 9)}${`${Math.round(generatorCpu * 100)} %`.padStart(8)}  ${broken ?? "sustained"}`;

/** One row a phase or load, its percentiles as columns. */
function trendTable(figures: Summary["figures"]): string[] {
  const names = Object.keys(figures).flatMap((figure) =>
    figure.endsWith(" p50") ? [figure.slice(0, -4)] : [],
  );
  if (names.length === 0) return [];
  const width = Math.max(12, ...names.map((name) => name.length));
  const columns = ["p50", "p95", "p99", "max"];
  return [
    `  ${"ms".padEnd(width)}${columns.map((column) => column.padStart(10)).join("")}`,
    ...names.map(
      (name) =>
        `  ${name.padEnd(width)}${columns.map((column) => pad(figures[`${name} ${column}`] ?? 0, 10)).join("")}`,
    ),
  ];
}

const WORDS = { true: "kept", false: "BROKEN", null: "not measured" };

/** Of a trend in milliseconds, by the threshold's first word. */
export function measuredText({ measured, threshold }: PromiseResult): string {
  if (measured === undefined) return "nothing measured";
  return `${number(measured)}${/^(p\(|med|avg|max)/.test(threshold) ? " ms" : ""}`;
}

export function printSummary(summary: Summary, changes: Change[]): void {
  const { figures, verdicts, promises, saturated, sustainablePerSecond } = summary;
  const lines = [
    "",
    `${summary.scenario}: ${number(figures.invocations ?? 0)} invocations, ${number(figures["invocations a second"] ?? 0)} a second, ` +
      Object.entries(verdicts)
        .map(([verdict, count]) => `${verdict} ${number(count)}`)
        .join(", "),
    "",
    ...trendTable(figures),
    ...(sustainablePerSecond === undefined
      ? []
      : ["", `Sustainable: ${sustainablePerSecond} invocations a second`]),
    ...(saturated.length === 0 ? [] : [""]),
    ...saturated.map(
      ({ resource, evidence }, i) =>
        `${i === 0 ? "At its limit first: " : "              then: "}${resource} (${evidence})`,
    ),
    ...(sustainablePerSecond === undefined || saturated.length > 0
      ? []
      : ["At its limit: nothing that the service's metrics show for three seconds in a row"]),
    "",
    ...promises.map(
      (promise) =>
        `  ${WORDS[`${promise.kept}`].padEnd(13)}${promise.says}: ${measuredText(promise)}  (${promise.threshold})`,
    ),
    ...(changes.length === 0 ? [] : ["", "Against the earlier run:"]),
    ...changes
      .filter(({ ratio }) => ratio !== undefined)
      .map(
        ({ figure, before, now, ratio }) =>
          `  ${figure.padEnd(24)}${pad(before, 10)} → ${number(now).padEnd(10)} ${ratio?.toFixed(2)} ×`,
      ),
  ];
  console.log(lines.join("\n"));
}
