import { describe, expect, it } from "vitest";
import { judgePromises } from "./judge-promises.ts";
import { parseExposition, sumOf } from "./parse-exposition.ts";
import { judgeStep, ramp } from "./ramp.ts";
import { reportPage } from "./report.ts";
import { compare, figuresOf, type Summary, verdictsOf } from "./results.ts";
import type { K6Metrics } from "./run-k6.ts";
import { judgeSaturation } from "./saturation.ts";
import { SecondsOfLoad } from "./seconds-of-load.ts";
import type { ServiceState } from "./watch-service.ts";

const metricsOf = (p99: number, { dropped = 0, failedRate = 0, count = 80 } = {}): K6Metrics => ({
  iterations: { values: { count, rate: 10 } },
  dropped_iterations: { values: { count: dropped } },
  mayfly_failed: { values: { rate: failedRate }, thresholds: { "rate==0": { ok: failedRate === 0 } } },
  http_req_duration: { values: { med: 5, "p(95)": 8, "p(99)": p99, max: p99, count } },
  "http_req_duration{scenario:quiet}": { values: { med: 1, "p(95)": 2, "p(99)": 3, max: 4, count: 5 } },
  mayfly_verdict_ok: { values: { count } },
  mayfly_verdict_timeout: { values: { count: 0 } },
});

const idle: ServiceState = {
  atMs: 0,
  parked: 8,
  starting: 0,
  leased: 0,
  waiting: 0,
  coldStarts: 0,
  running: 0,
  concurrency: 32,
  queued: 0,
  gatewayLoop: 0.1,
  workerLoop: 0.1,
  cpuPressure: 0,
  memoryPressure: 0,
};

const summaryOf = (changes: Partial<Summary> = {}): Summary => ({
  scenario: "smoke",
  startedAt: "2026-01-01T00:00:00.000Z",
  k6: "1.8.1",
  machine: { cpus: 2, kernel: "6.1" },
  figures: figuresOf(metricsOf(10)),
  verdicts: { ok: 80 },
  promises: [],
  saturated: [],
  ...changes,
});

describe("figures and verdicts", () => {
  it("come from k6's summary, those of single loads too", () => {
    const figures = figuresOf(metricsOf(10));
    expect(figures).toMatchObject({ invocations: 80, dropped: 0, "http p99": 10, "quiet p99": 3 });
    expect(verdictsOf(metricsOf(10))).toEqual({ ok: 80 });
  });

  it("a promise is as k6 judged its threshold", () => {
    const promise = { says: "none fails", metric: "mayfly_failed", threshold: "rate==0" };
    expect(judgePromises([promise], metricsOf(1), () => 0)).toEqual([
      { ...promise, measured: 0, kept: true },
    ]);
    expect(judgePromises([promise], metricsOf(1, { failedRate: 0.1 }), () => 0)[0]?.kept).toBe(false);
  });

  it("a promise about nothing measured is broken, though k6 keeps it", () => {
    const promise = { says: "fast", metric: "http_req_duration", threshold: "p(99)<250" };
    const empty = { values: { "p(99)": 0, count: 0 }, thresholds: { "p(99)<250": { ok: true } } };
    for (const metrics of [{ http_req_duration: empty }, {}])
      expect(judgePromises([promise], metrics, () => 0)).toEqual([{ ...promise, kept: false }]);
  });

  it("a promise about a counter of the service is judged by its growth, or not at all", () => {
    const promise = { says: "no leak", metric: "l_total", threshold: "increase==0", by: "service" as const };
    const judge = (threshold: string, growth?: number) =>
      judgePromises([{ ...promise, threshold }], {}, (name) => (name === "l_total" ? growth : undefined))[0];
    expect(judge("increase==0", 0)).toMatchObject({ kept: true, measured: 0 });
    expect(judge("increase==0", 1)).toMatchObject({ kept: false, measured: 1 });
    expect(judge("increase>=10", 9)?.kept).toBe(false);
    expect(judge("increase>=10", 10)?.kept).toBe(true);
    expect(judge("increase==0")?.kept).toBe(null);
    expect(() => judge("rate==0", 0)).toThrow(/no condition/);
  });

  it("are compared as ratios", () => {
    const now = summaryOf({ figures: { "http p99": 30, dropped: 1, "new one": 1 } });
    expect(compare(summaryOf(), now)).toEqual([
      { figure: "http p99", before: 10, now: 30, ratio: 3 },
      { figure: "dropped", before: 0, now: 1, ratio: undefined },
    ]);
  });
});

describe("a ramp", () => {
  it("calls a step broken for failures, drops or a slow p99", () => {
    expect(judgeStep(10, 8, metricsOf(249)).broken).toBeUndefined();
    expect(judgeStep(10, 8, metricsOf(251)).broken).toBe("p99 above 250 ms");
    expect(judgeStep(10, 8, metricsOf(1, { dropped: 3 })).broken).toMatch(/^3 arrivals met no free caller/);
    expect(judgeStep(10, 8, {}).broken).toBe("nothing was answered");
    expect(judgeStep(10, 8, metricsOf(1, { failedRate: 0.05 }))).toMatchObject({ failed: 4, achieved: 9.5 });
  });

  it("blames k6, not the service, for arrivals that k6 did not send", () => {
    expect(judgeStep(20, 8, metricsOf(1))).toMatchObject({
      isGeneratorShort: true,
      broken: "k6 sent only 80 of 160: the load generator is at its limit",
    });
    expect(judgeStep(20, 8, metricsOf(1, { dropped: 80 })).isGeneratorShort).toBe(false);
  });

  it("finds the rate between the last good one and the first that breaks", async () => {
    const tried: number[] = [];
    const { sustainable } = await ramp(
      async (load) => {
        const [one] = Object.values(load);
        const rate = one?.executor === "constant-arrival-rate" ? one.rate : 0;
        tried.push(rate);
        return { metrics: metricsOf(rate > 50 ? 900 : 10, { count: rate * 6 }), seconds: [], cpuShare: 0 };
      },
      { firstRate: 40, restMs: 0 },
      () => {},
    );
    expect(tried).toEqual([40, 56, 56, 48, 52, 52]);
    expect(sustainable).toBe(48);
  });

  it("gives a rate a second chance", async () => {
    let calls = 0;
    const run = async () => ({
      metrics: metricsOf(++calls === 1 ? 900 : 10, { count: 1e6 }),
      seconds: [],
      cpuShare: 0.25,
    });
    const { sustainable, steps } = await ramp(run, { restMs: 0 }, () => {});
    expect(steps.slice(0, 2).map(({ broken }) => broken)).toEqual(["p99 above 250 ms", undefined]);
    expect(sustainable).toBeGreaterThan(20);
  });

  it("sustains nothing when the first rate breaks", async () => {
    const run = async () => ({ metrics: metricsOf(900), seconds: [], cpuShare: 0 });
    const { sustainable, steps } = await ramp(run, { restMs: 0 }, () => {});
    expect([sustainable, steps.length]).toEqual([0, 2]);
  });
});

describe("judgeSaturation()", () => {
  it("names what reached its limit first, and causes before what follows from them", () => {
    const stay = (fromMs: number, change: Partial<ServiceState>): ServiceState[] =>
      [0, 1000, 2000].map((ms) => ({ ...idle, ...change, atMs: fromMs + ms }));
    const states: ServiceState[] = [
      idle,
      ...stay(1000, { workerLoop: 0.95 }),
      ...stay(4000, { cpuPressure: 0.9, parked: 0, waiting: 3 }),
      ...stay(9000, { running: 32, queued: 7 }),
    ];
    expect(judgeSaturation(states).map(({ resource }) => resource)).toEqual([
      "event loop of the worker",
      "CPU of the machine",
      "pool of parked sandboxes",
      "concurrency of the worker",
    ]);
    expect(judgeSaturation(states).at(-1)?.evidence).toBe("32 of 32 in hand, 7 waiting in the gateway");
    expect(judgeSaturation([idle])).toEqual([]);
  });

  it("takes no notice of a second's hiccup", () => {
    const hiccup = { ...idle, cpuPressure: 1, workerLoop: 1 };
    expect(judgeSaturation([idle, hiccup, idle, hiccup, hiccup, idle])).toEqual([]);
    expect(judgeSaturation([idle, hiccup, hiccup, hiccup])).toHaveLength(2);
  });
});

describe("parseExposition()", () => {
  it("reads names, labels and numbers", () => {
    const samples = parseExposition(
      '# HELP a b\na_total 3\nb{x="1",y="q\\"\\n"} 0.5\nb{x="2"} 1e3\nc{} NaN\n',
    );
    expect(samples).toHaveLength(3);
    expect(samples[1]).toEqual({ name: "b", labels: { x: "1", y: 'q"\n' }, value: 0.5 });
    expect(sumOf(samples, "b")).toBe(1000.5);
    expect(sumOf(samples, "b", { x: "2" })).toBe(1000);
    expect(sumOf(samples, "none")).toBe(0);
  });
});

describe("SecondsOfLoad", () => {
  it("puts samples into seconds", () => {
    const seconds = new SecondsOfLoad();
    for (const ms of [10, 30, 20]) seconds.add("http_req_duration", 5100, ms);
    seconds.add("mayfly_run", 5200, 7);
    seconds.add("mayfly_failed", 5900, 0);
    seconds.add("mayfly_failed", 4000, 1);
    expect(seconds.list()).toEqual([
      { atMs: 4000, ok: 0, failed: 1, p50: 0, p99: 0, phases: {} },
      { atMs: 5000, ok: 1, failed: 0, p50: 20, p99: 20, phases: { run: 7 } },
    ]);
  });

  it("puts seconds together when there are many, and loses none", () => {
    const seconds = new SecondsOfLoad();
    for (let second = 0; second < 2000; second++)
      for (const ms of [10, 20]) {
        seconds.add("mayfly_failed", second * 1000, 0);
        seconds.add("http_req_duration", second * 1000, ms);
      }
    const list = seconds.list();
    expect(list.length).toBe(500);
    expect(list[1]).toEqual({ atMs: 4000, ok: 2, failed: 0, p50: 10, p99: 20, phases: {} });
  });
});

describe("reportPage()", () => {
  it("stands alone, and shows text as text", () => {
    const page = reportPage({
      summary: summaryOf({
        promises: [{ says: "<b>", metric: "m", threshold: "p(99)<1", kept: false }],
        saturated: [{ resource: "CPU", evidence: "a & b" }],
      }),
      what: "<script>",
      seconds: [
        { atMs: 1000, ok: 1, failed: 0, p50: 1, p99: 2, phases: { run: 1 } },
        { atMs: 2000, ok: 2, failed: 0, p50: 1, p99: 3, phases: { run: 2 } },
      ],
      states: [idle, { ...idle, atMs: 2000 }],
      fault: undefined,
      steps: [],
      changes: [],
    });
    expect(page).not.toMatch(/https?:|<script|<link|src=/);
    expect(page).toContain("&lt;b&gt;");
    expect(page).toContain("a &amp; b");
    expect(page).toContain("a promise is broken");
    expect(page.match(/<svg /g)?.length).toBe(5);
    expect(page).not.toContain("NaN");
  });
});
