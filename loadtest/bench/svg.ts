/** The frame of every plot: size, fonts, and colours for light and dark backgrounds. For bar-plot.ts and line-plot.ts. */

export const WIDTH = 720;

/* A transparent ground; the reader's own is light or dark. Both sets have a contrast of 4.5 and more against theirs. */
const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 15px; }
.faint { fill: #57606a; }
.axis { stroke: #8c959f; stroke-width: 1; fill: none; }
.grid { stroke: #d0d7de; stroke-width: 1; fill: none; }
.own { fill: #0550ae; }
.other { fill: #8c6c00; }
.floor { fill: #57606a; }
.line { stroke: #0550ae; stroke-width: 2; fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .faint, .floor { fill: #9198a1; }
  .grid { stroke: #30363d; }
  .own { fill: #58a6ff; }
  .other { fill: #d4a72c; }
  .line { stroke: #58a6ff; }
}
`;

export const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Coordinates to a tenth of a pixel. */
export const px = (value: number): string => `${Math.round(value * 10) / 10}`;

export function svgText(x: number, y: number, text: string, style = "", anchor = "start"): string {
  return `<text x="${px(x)}" y="${px(y)}" class="${style}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

/** `elements`: drawn one over the other; the title is above them. */
export function svgFrame(title: string, height: number, elements: string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${px(height)}" width="${WIDTH}" height="${px(height)}" role="img">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
${[svgText(0, 18, title, "title"), ...elements].join("\n")}
</svg>
`;
}
