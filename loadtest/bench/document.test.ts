import { describe, expect, it } from "vitest";
import { barPlot } from "./bar-plot.ts";
import { barsOf, verdictOf } from "./bars.ts";
import { documentOf } from "./document.ts";
import { linePlot } from "./line-plot.ts";
import { plotsOf } from "./plots.ts";
import type { Results } from "./results.ts";
import { markdownTable, plainTable } from "./tables.ts";

const timing = (p50Ms: number) => ({ p50Ms, p99Ms: 2 * p50Ms, n: 100 });
const results: Results = {
  machine: {
    processor: "Z80",
    cores: 2,
    memoryMb: 1024,
    kernel: "6.1.0",
    distribution: "Debian",
    cgroups: "hybrid",
    node: "v24.0.0",
    versions: { runc: "1.1" },
    loadAverage: 0.5,
    date: "2026-01-01",
    quick: false,
  },
  noop: { mayfly: timing(2), bubblewrap: timing(5), crun: { refused: "<no> & never" }, floor: timing(1.5) },
  hello: { mayfly: { ...timing(1), halfLoad: { ...timing(1.1), perSecond: 150 } }, bubblewrap: timing(19) },
  http: { mayfly: timing(3), echo: timing(2) },
  sustained: {
    perSecond: 310,
    floorPerSecond: 700,
    byInFlight: { "1": 100, "8": 310 },
    cpuMsPerInvocation: { worker: 2, sandboxes: 4, rest: 0 },
  },
  growth: {
    p50MsByParked: { "10": 1, "1000": 1.1 },
    p50MsByFunctions: { "1": 3, "10000": 3.1 },
    privateBytesPerParked: 3_000_000,
    pssBytesPerParked: 3_500_000,
  },
  burst: { n: 100, errors: 0, p99Ms: 600 },
  soak: { n: 50_000, leaked: 0, drift: 1.02 },
};

describe("barsOf()", () => {
  const verdicts = Object.fromEntries(barsOf(results).map((bar) => [bar.promise, verdictOf(bar)]));
  it("says what is met and what is not", () => {
    expect(verdicts).toMatchObject({
      "hello, lease to answer, p50 ≤ 1.2 ms at half load": "met",
      "hello ≥ 20× faster than Node.js in bubblewrap": "not met",
      "no-op faster than bubblewrap": "met",
      "≥ 300 fresh sandboxes a second": "met",
      "≥ 50 % of the floor's rate": "not met",
      "burst of 100: p99 ≤ 500 ms": "not met",
      "p50 with 1,000 parked ≤ 1.2× that with 10": "met",
      "1,000 parked at once": "met",
    });
  });
  it("calls nothing met that was refused or did not run", () => {
    expect(verdicts["no-op faster than crun"]).toBe("not measured");
    const none = barsOf({ machine: results.machine });
    expect(none.map(verdictOf)).toEqual(none.map(() => "not measured"));
  });
});

describe("tables", () => {
  const rows = [
    ["", "p50"],
    ["mayfly", "1.00 ms"],
  ];
  it("are aligned on a terminal", () => {
    expect(plainTable(rows)).toBe("          p50\n  mayfly  1.00 ms");
  });
  it("are Markdown in a document", () => {
    expect(markdownTable(rows)).toBe("|        | p50     |\n| ------ | ------- |\n| mayfly | 1.00 ms |");
  });
});

describe("plots", () => {
  const widths = (svg: string) =>
    [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));

  it("draw bars as long as their values, the refused ones without", () => {
    const svg = barPlot(
      "a <b>",
      [
        { name: "x", value: 10, label: "10", kind: "own" },
        { name: "y", value: 5, label: "5", kind: "other" },
        { name: "z", value: undefined, label: "refused", kind: "other" },
      ],
      "linear",
    );
    const [x = 0, y = 0, ...others] = widths(svg);
    expect(x / y).toBeCloseTo(2, 1);
    expect(others).toEqual([]);
    expect(svg).toContain("a &lt;b&gt;");
  });

  it("draw a decade as long as the next on a logarithmic scale", () => {
    const rows = [1, 10, 100].map((value) => ({ name: "", value, label: "", kind: "own" as const }));
    const [one = 0, ten = 0, hundred = 0] = widths(barPlot("title", rows, "log"));
    expect(one).toBeGreaterThan(0);
    expect(hundred - ten).toBeCloseTo(ten - one, 0);
  });

  it("draw lines over sizes by powers of ten, the larger value above", () => {
    const svg = linePlot(
      "title",
      "sizes",
      [
        [1, 2],
        [10, 4],
        [100, 2],
      ],
      String,
    );
    const [a, b, c] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect((c?.[0] ?? 0) - (b?.[0] ?? 0)).toBeCloseTo((b?.[0] ?? 0) - (a?.[0] ?? 0), 0);
    expect(b?.[1]).toBeLessThan(a?.[1] ?? 0);
  });

  it("are well-formed and readable on light and on dark", () => {
    const plots = plotsOf(results);
    expect(plots.map(({ name }) => name)).toEqual([
      "noop",
      "hello",
      "http",
      "sustained",
      "cpu",
      "growth-parked",
      "growth-functions",
    ]);
    for (const { svg } of plots) {
      expect(svg).toContain("prefers-color-scheme: dark");
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      const text = svg.replace(/<style>.*?<\/style>/s, "");
      expect(text.replaceAll(/<[^<>]+>/g, "")).not.toMatch(/[<>]/);
    }
  });
});

describe("documentOf()", () => {
  it("holds every suite, its plots, and what was promised", () => {
    const text = documentOf(results, plotsOf(results));
    for (const heading of [
      "Promised and measured",
      "noop",
      "hello",
      "http",
      "sustained",
      "growth",
      "burst",
      "soak",
    ])
      expect(text).toMatch(new RegExp(`^## ${heading}`, "m"));
    expect(text).toContain("](benchmarks/growth-parked.svg)");
    expect(text).toContain("not met");
    expect(text).not.toContain("--quick");
  });
  it("says so when it was made quickly", () => {
    expect(documentOf({ machine: { ...results.machine, quick: true } }, [])).toContain("`--quick`");
  });
});
