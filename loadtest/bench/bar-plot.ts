/** Horizontal bars, one a row, each with its number beside it. For document.ts. */
import { px, svgFrame, svgText, WIDTH } from "./svg.ts";

export interface BarRow {
  name: string;
  /** Greater than 0; undefined: only the label is drawn. */
  value: number | undefined;
  label: string;
  kind: "own" | "other" | "floor";
}

const TOP = 34;
const ROW = 26;
const BAR = 16;
const NAMES = 130;
const LABELS = 170;
const SHORTEST = 2;

/** `scale` log: for values of very different sizes; then a bar's length says its order of magnitude, and the title says so. */
export function barPlot(title: string, rows: BarRow[], scale: "linear" | "log"): string {
  const values = rows.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const lengthOf = lengthsFor(values, scale);
  const elements = rows.flatMap(({ name, value, label, kind }, index) => {
    const y = TOP + index * ROW;
    const length = value === undefined ? 0 : lengthOf(value);
    const bar = `<rect x="${NAMES}" y="${px(y)}" width="${px(length)}" height="${BAR}" rx="2" class="${kind}"/>`;
    return [
      svgText(NAMES - 8, y + BAR - 3, name, "", "end"),
      ...(value === undefined ? [] : [bar]),
      svgText(NAMES + length + 8, y + BAR - 3, label, "faint"),
    ];
  });
  const shown = scale === "log" ? `${title} (logarithmic)` : title;
  return svgFrame(shown, TOP + rows.length * ROW + 4, elements);
}

/** The longest fills the room; on a logarithmic scale the smallest is one decade's tenth long. */
function lengthsFor(values: number[], scale: "linear" | "log"): (value: number) => number {
  const room = WIDTH - NAMES - LABELS;
  const max = Math.max(...values);
  if (scale === "linear") return (value) => Math.max(SHORTEST, (value / max) * room);
  const least = Math.log10(Math.min(...values)) - 0.1;
  const span = Math.log10(max) - least;
  return (value) => Math.max(SHORTEST, ((Math.log10(value) - least) / span) * room);
}
