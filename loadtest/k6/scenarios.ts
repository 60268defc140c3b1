/**
 * The load tests as data. A scenario has one or more loads, each a scenario of k6's with a name of its own, and promises,
 * which are k6's thresholds and are listed in SPECIFICATION.md. `ramp` has no loads here: ramp.ts decides its rates as it goes.
 */

/** What is called. More than one function: by Zipf's law, the first most often. */
export interface Call {
  functions: string[];
  /** The event; instead, `bytes`: a JSON string of so many bytes. */
  event?: unknown;
  bytes?: number;
  /** What it must answer; absent: the event. Anything else is the verdict `wrong_answer`. */
  answer?: unknown;
}

/** k6's names (https://grafana.com/docs/k6/latest/using-k6/scenarios/executors/). Rates a second. */
export type Load = { call: Call; startTime?: string } & (
  | { executor: "constant-arrival-rate"; rate: number; duration: string; maxVUs: number }
  | { executor: "constant-vus"; vus: number; duration: string }
  | { executor: "per-vu-iterations"; vus: number; iterations: number; maxDuration: string }
);

export interface PromiseMade {
  says: string;
  /** Of script/invoke.ts, or k6's own. */
  metric: string;
  /** k6's expression; of `service` one of a counter's growth during the run, such as `increase==0`. */
  threshold: string;
  /** Judged by the service's own metrics; else k6 judges. */
  by?: "service";
}

export interface Scenario {
  what: string;
  /** Settings of the service, when one is started. */
  service?: Record<string, string>;
  loads: Record<string, Load>;
  promises: PromiseMade[];
}

/** Where a function is: its name as deployed, and its folder in loadtest/. */
export const FUNCTION_FOLDERS: Record<string, string> = {
  "load-hello": "bench/hello",
  "load-echo": "k6/functions/echo",
  "load-busy": "k6/functions/busy",
  ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`load-mixed-${i + 1}`, "bench/hello"])),
};

const hello: Call = { functions: ["load-hello"], event: { name: "you" }, answer: { hello: "you" } };
const mixed: Call = { ...hello, functions: Array.from({ length: 20 }, (_, i) => `load-mixed-${i + 1}`) };

const arrivals = (call: Call, rate: number, duration: string, maxVUs = 200): Load => ({
  executor: "constant-arrival-rate",
  call,
  rate,
  duration,
  maxVUs,
});

const NO_FAILURES: PromiseMade = {
  says: "no invocation fails",
  metric: "mayfly_failed",
  threshold: "rate==0",
};
const NONE_DROPPED: PromiseMade = {
  says: "every one arrives when it should (open model)",
  metric: "dropped_iterations",
  threshold: "count==0",
};
/** As callers see it; of one load when it is named. */
const p99 = (ms: number, load?: string): PromiseMade => ({
  says: load === undefined ? "p99 over HTTP" : `p99 over HTTP, ${load}`,
  metric: load === undefined ? "http_req_duration" : `http_req_duration{scenario:${load}}`,
  threshold: `p(99)<${ms}`,
});
export const NO_LEAKS: PromiseMade = {
  says: "nothing is left of any sandbox",
  metric: "mayfly_sandbox_leaks_total",
  threshold: "increase==0",
  by: "service",
};

/** What `ramp` calls sustainable. */
export const RAMP = { call: hello, p99Ms: 250, stepSeconds: 6, firstRate: 20, growth: 1.4, minRate: 40 };
export const RAMP_PROMISE = `invocations a second with p99 under ${RAMP.p99Ms} ms and no failure`;

export const SCENARIOS = {
  smoke: {
    what: "a few invocations a second: does it work?",
    loads: { smoke: arrivals(hello, 10, "10s", 50) },
    promises: [NO_FAILURES, NONE_DROPPED, p99(250), NO_LEAKS],
  },
  warm: {
    what: "what pools keep up with: every lease finds a parked sandbox",
    loads: { warm: arrivals(hello, 20, "30s") },
    promises: [NO_FAILURES, NONE_DROPPED, p99(250), NO_LEAKS],
  },
  cold: {
    what: "arrivals that empty a pool of two: leases wait for sandboxes to be made",
    service: { MAYFLY_POOL_MIN: "1", MAYFLY_POOL_MAX: "2" },
    loads: { cold: arrivals(hello, 40, "15s") },
    promises: [
      NO_FAILURES,
      NONE_DROPPED,
      p99(2000),
      {
        says: "the pool was empty for many: it tests what it should",
        metric: "faas_coldstarts_total",
        threshold: "increase>=10",
        by: "service",
      },
      NO_LEAKS,
    ],
  },
  burst: {
    what: "100 at once, three times, ten seconds apart",
    loads: Object.fromEntries(
      [0, 10, 20].map((second): [string, Load] => [
        `burst-${second}s`,
        {
          executor: "per-vu-iterations",
          call: hello,
          vus: 100,
          iterations: 1,
          maxDuration: "10s",
          startTime: `${second}s`,
        },
      ]),
    ),
    promises: [NO_FAILURES, p99(3000), NO_LEAKS],
  },
  ramp: {
    what: "higher and higher rates, until one cannot be sustained: how many a second, and what gave out first",
    loads: {},
    promises: [NO_LEAKS],
  },
  soak: {
    what: "ten minutes of half of what two cores sustain",
    loads: { soak: arrivals(hello, 30, "10m") },
    promises: [NO_FAILURES, NONE_DROPPED, p99(500), NO_LEAKS],
  },
  mixed: {
    what: "20 functions, called by Zipf's law",
    loads: { mixed: arrivals(mixed, 30, "30s") },
    promises: [NO_FAILURES, NONE_DROPPED, p99(500), NO_LEAKS],
  },
  "noisy-neighbour": {
    what: "one function floods the workers while another is called now and then",
    loads: {
      noisy: {
        executor: "constant-vus",
        call: { functions: ["load-busy"], event: { ms: 20 } },
        vus: 64,
        duration: "30s",
      },
      quiet: arrivals(hello, 5, "30s", 100),
    },
    promises: [
      {
        ...NO_FAILURES,
        says: "no invocation of the quiet one fails",
        metric: "mayfly_failed{scenario:quiet}",
      },
      p99(3000, "quiet"),
      NO_LEAKS,
    ],
  },
  payload: {
    what: "events and answers of 1 KiB to 6 MiB",
    loads: Object.fromEntries(
      [
        ["1KiB", 1024],
        ["16KiB", 16 * 1024],
        ["256KiB", 256 * 1024],
        ["1MiB", 1024 * 1024],
        ["6MiB", 6 * 1024 * 1024],
      ].map(([name, bytes], i): [string, Load] => [
        `payload-${name}`,
        {
          ...arrivals({ functions: ["load-echo"], bytes: Number(bytes) }, 2, "6s", 20),
          startTime: `${7 * i}s`,
        },
      ]),
    ),
    promises: [NO_FAILURES, NONE_DROPPED, p99(2000, "payload-6MiB"), NO_LEAKS],
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];
export const scenarioOf = (name: ScenarioName): Scenario => SCENARIOS[name];
