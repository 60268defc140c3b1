/** One line over sizes that grow by powers of ten. For document.ts. */
import { px, svgFrame, svgText, WIDTH } from "./svg.ts";

const TOP = 40;
const HEIGHT = 160;
const LEFT = 70;
const RIGHT = 30;
const BELOW = 44;

/** `points`: size (greater than 0) and value, by size. The value's axis begins at 0, so that growth is not exaggerated. */
export function linePlot(
  title: string,
  sizes: string,
  points: [size: number, value: number][],
  labelOf: (value: number) => string,
): string {
  const logs = points.map(([size]) => Math.log10(size));
  const [first, last] = [Math.min(...logs), Math.max(...logs)];
  const top = Math.max(...points.map(([, value]) => value)) * 1.25;
  const x = (log: number) =>
    LEFT + (last === first ? 0 : ((log - first) / (last - first)) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => TOP + HEIGHT * (1 - value / top);
  const places = points.map(([size, value], i) => ({ size, value, x: x(logs[i] ?? 0), y: y(value) }));
  const axis = `<path d="M${LEFT} ${TOP}V${TOP + HEIGHT}H${WIDTH - RIGHT}" class="axis"/>`;
  const line = `<polyline points="${places.map((place) => `${px(place.x)},${px(place.y)}`).join(" ")}" class="line"/>`;
  const marks = places.flatMap((place) => [
    `<circle cx="${px(place.x)}" cy="${px(place.y)}" r="4" class="own"/>`,
    svgText(place.x, place.y - 10, labelOf(place.value), "", "middle"),
    svgText(place.x, TOP + HEIGHT + 18, place.size.toLocaleString("en-US"), "faint", "middle"),
  ]);
  const axisName = svgText((LEFT + WIDTH - RIGHT) / 2, TOP + HEIGHT + 38, sizes, "faint", "middle");
  return svgFrame(title, TOP + HEIGHT + BELOW, [axis, line, ...marks, axisName]);
}
