/** One run of k6: hands it the plan, shows its progress, and reads what it says. main.ts and ramp.ts call it. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, readFileSync } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Plan } from "./plan.ts";
import { type SecondOfLoad, SecondsOfLoad } from "./seconds-of-load.ts";

const SCRIPT = fileURLToPath(new URL("script/invoke.ts", import.meta.url));
/** k6's: a threshold was not kept. The others are failures of its own. */
const EXIT_THRESHOLDS = 99;

const summary = z.object({
  metrics: z.record(
    z.string(),
    z.object({
      values: z.record(z.string(), z.number()),
      thresholds: z.record(z.string(), z.object({ ok: z.boolean() })).optional(),
    }),
  ),
});
export type K6Metrics = z.output<typeof summary>["metrics"];

export interface K6Run {
  metrics: K6Metrics;
  seconds: SecondOfLoad[];
  /** Of all CPUs together, 0 to 1: what the generator takes, the service cannot have when both are on one machine. */
  cpuShare: number;
}

export interface K6Options {
  k6: string;
  plan: Plan;
  apiKey: string;
  /** Ends it. */
  signal: AbortSignal;
  /** Its progress does not go to the terminal. */
  isQuiet?: boolean;
}

/** Rejects when k6 could not run, or `signal` ended it; thresholds that are not kept are a result. */
export async function runK6({ k6, plan, apiKey, signal, isQuiet = false }: K6Options): Promise<K6Run> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), "mayfly-k6-"));
  const [samples, summaryFile] = [join(folder, "samples"), join(folder, "summary.json")];
  /* A pipe with a name: a soak's samples are read as they come and fill no disk. */
  execFileSync("mkfifo", [samples]);
  /* Opened both ways it waits for nobody (fifo(7)), and the reader does not see an end before k6 has begun. */
  const holder = await open(samples, "r+");
  try {
    const reading = readSamples(samples);
    const [startedAt, cpuBefore] = [performance.now(), childrenCpuSeconds()];
    const child = spawn(
      k6,
      [
        "run",
        "--no-usage-report",
        "--address",
        "",
        "--out",
        `json=${samples}`,
        ...(isQuiet ? ["--quiet"] : []),
        SCRIPT,
      ],
      {
        env: environmentOf(plan, apiKey, summaryFile),
        stdio: ["ignore", isQuiet ? "ignore" : 2, "inherit"],
      },
    );
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    const [code] = await once(child, "close").finally(async () => {
      signal.removeEventListener("abort", stop);
      await holder.close();
    });
    const seconds = await reading;
    signal.throwIfAborted();
    if (code !== 0 && code !== EXIT_THRESHOLDS) throw new Error(`k6 ended with code ${code}`);
    const cpuSeconds = childrenCpuSeconds() - cpuBefore;
    const elapsed = (performance.now() - startedAt) / 1000;
    const { metrics } = summary.parse(JSON.parse(await readFile(summaryFile, "utf8")));
    return { metrics, seconds, cpuShare: cpuSeconds / elapsed / availableParallelism() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The key goes by environment: what is on a command line, everybody on the machine can read. K6_ variables of the user's
 * would change the test (https://grafana.com/docs/k6/latest/using-k6/k6-options/how-to/).
 */
function environmentOf(plan: Plan, apiKey: string, summaryFile: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("K6_"));
  return {
    ...Object.fromEntries(own),
    MAYFLY_API_KEY: apiKey,
    MAYFLY_PLAN: JSON.stringify(plan),
    MAYFLY_SUMMARY: summaryFile,
  };
}

/** Ticks are hundredths of a second on every Linux that we run on. */
const TICKS_PER_SECOND = 100;

/** Of those that have ended: proc_pid_stat(5), cutime and cstime. Between two calls only k6 ends. */
function childrenCpuSeconds(): number {
  const [, rest = ""] = readFileSync("/proc/self/stat", "utf8").split(") ");
  const [cutime = 0, cstime = 0] = rest.split(" ").slice(13, 15).map(Number);
  return (cutime + cstime) / TICKS_PER_SECOND;
}

/** https://grafana.com/docs/k6/latest/results-output/real-time/json/ */
async function readSamples(path: string): Promise<SecondOfLoad[]> {
  const seconds = new SecondsOfLoad();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    /* Most lines are k6's own metrics, which the summary has. */
    if (!/"metric":"(mayfly_|http_req_duration")/.test(line) || line.includes('"type":"Metric"')) continue;
    const { metric, data } = JSON.parse(line);
    seconds.add(metric, Date.parse(data.time), data.value);
  }
  return seconds.list();
}
