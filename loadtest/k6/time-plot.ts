/** Some lines over the seconds of a run, as SVG for report.ts; colours are the page's classes. */
import { escapeXml, px } from "../bench/svg.ts";

export interface Line {
  name: string;
  /** Unix time in milliseconds, and value. */
  points: [atMs: number, value: number][];
}

const WIDTH = 720;
const TOP = 34;
const HEIGHT = 150;
const LEFT = 58;
const RIGHT = 12;
const LINES_MAX = 5;

/** The value's axis begins at 0. */
export function timePlot(title: string, unit: string, lines: Line[]): string {
  const drawn = lines.filter(({ points }) => points.length > 0).slice(0, LINES_MAX);
  if (drawn.length === 0) return "";
  const times = drawn.flatMap(({ points }) => points.map(([at]) => at));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const top = Math.max(...drawn.flatMap(({ points }) => points.map(([, value]) => value))) * 1.1 || 1;
  const x = (at: number) => LEFT + (to === from ? 0 : ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => TOP + HEIGHT * (1 - value / top);
  const shown = (value: number) =>
    value >= 10 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
  const grid = [0, 0.5, 1].map((share) => {
    const at = TOP + HEIGHT * (1 - share);
    return `<path d="M${LEFT} ${px(at)}H${WIDTH - RIGHT}" class="grid"/><text x="${LEFT - 6}" y="${px(at + 4)}" text-anchor="end" class="faint">${shown(top * share)}</text>`;
  });
  const seconds = Math.round((to - from) / 1000);
  const axis = [0, 0.5, 1].map(
    (share) =>
      `<text x="${px(LEFT + share * (WIDTH - LEFT - RIGHT))}" y="${TOP + HEIGHT + 18}" text-anchor="${["start", "middle", "end"][share * 2]}" class="faint">${Math.round(seconds * share)} s</text>`,
  );
  const paths = drawn.map(
    ({ points }, i) =>
      `<polyline points="${points.map(([at, value]) => `${px(x(at))},${px(y(value))}`).join(" ")}" class="line line-${i}"/>`,
  );
  const legend = drawn.map(({ name }, i) => `<span class="key key-${i}">${escapeXml(name)}</span>`).join(" ");
  return `<figure><figcaption><b>${escapeXml(title)}</b>, ${escapeXml(unit)} ${legend}</figcaption>
<svg viewBox="0 ${TOP - 10} ${WIDTH} ${HEIGHT + 36}" role="img" aria-label="${escapeXml(title)}">${[...grid, ...axis, ...paths].join("")}</svg></figure>`;
}
