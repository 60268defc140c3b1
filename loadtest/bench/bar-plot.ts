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

/** `scale` log: for values of very different sizes. A line stands at each power of ten, so that lengths are not taken for values. */
export function barPlot(title: string, rows: BarRow[], scale: "linear" | "log"): string {
  const values = rows.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const lengthOf = scale === "log" ? logarithmic(values) : linear(values);
  const bottom = TOP + rows.length * ROW;
  const bars = rows.flatMap(({ name, value, label, kind }, index) => {
    const y = TOP + index * ROW;
    const length = value === undefined ? 0 : Math.max(SHORTEST, lengthOf(value));
    const bar = `<rect x="${NAMES}" y="${px(y)}" width="${px(length)}" height="${BAR}" rx="2" class="${kind}"/>`;
    return [
      svgText(NAMES - 8, y + BAR - 3, name, "", "end"),
      ...(value === undefined ? [] : [bar]),
      svgText(NAMES + length + 8, y + BAR - 3, label, "faint"),
    ];
  });
  const decades = scale === "log" ? decadesOf(values) : [];
  const lines = decades.flatMap((decade) => {
    const x = NAMES + lengthOf(decade);
    const line = `<path d="M${px(x)} ${TOP - 6}V${bottom}" class="grid"/>`;
    return [line, svgText(x, bottom + 16, `${decade.toLocaleString("en-US")}`, "faint", "middle")];
  });
  const height = bottom + (decades.length > 0 ? 24 : 4);
  return svgFrame(scale === "log" ? `${title} (logarithmic)` : title, height, [...lines, ...bars]);
}

const ROOM = WIDTH - NAMES - LABELS;

const linear = (values: number[]) => (value: number) => (value / Math.max(...values)) * ROOM;

/** From the power of ten below the smallest to the largest. */
function logarithmic(values: number[]): (value: number) => number {
  const least = firstDecade(values);
  const span = Math.max(...values.map(Math.log10)) - least;
  return (value) => (span === 0 ? 0 : ((Math.log10(value) - least) / span) * ROOM);
}

const firstDecade = (values: number[]) => Math.ceil(Math.log10(Math.min(...values))) - 1;

function decadesOf(values: number[]): number[] {
  const [first, last] = [firstDecade(values), Math.floor(Math.log10(Math.max(...values)))];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}
