/** One run of k6: hands it the plan, shows its progress, and reads what it wrote. main.ts and ramp.ts call it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
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
}

export interface K6Options {
  k6: string;
  plan: Plan;
  apiKey: string;
  /** Ends it. */
  signal: AbortSignal;
  /** Its progress goes to the terminal. */
  isQuiet?: boolean;
}

/** Rejects when k6 could not run; thresholds that are not kept are a result. */
export async function runK6({ k6, plan, apiKey, signal, isQuiet = false }: K6Options): Promise<K6Run> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-k6-"));
  const [samples, summaryFile] = [join(folder, "samples.json.gz"), join(folder, "summary.json")];
  try {
    const args = [
      "run",
      "--no-usage-report",
      "--out",
      `json=${samples}`,
      ...(isQuiet ? ["--quiet"] : []),
      SCRIPT,
    ];
    const child = spawn(k6, args, {
      /* The key goes by environment: what is on a command line, everybody on the machine can read. */
      env: {
        ...process.env,
        MAYFLY_API_KEY: apiKey,
        MAYFLY_PLAN: JSON.stringify(plan),
        MAYFLY_SUMMARY: summaryFile,
      },
      stdio: ["ignore", isQuiet ? "ignore" : 2, "inherit"],
    });
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    const [code] = await once(child, "close");
    signal.removeEventListener("abort", stop);
    signal.throwIfAborted();
    if (code !== 0 && code !== EXIT_THRESHOLDS) throw new Error(`k6 ended with code ${code}`);
    const { metrics } = summary.parse(JSON.parse(await readFile(summaryFile, "utf8")));
    return { metrics, seconds: await readSamples(samples) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** https://grafana.com/docs/k6/latest/results-output/real-time/json/ */
async function readSamples(path: string): Promise<SecondOfLoad[]> {
  const seconds = new SecondsOfLoad();
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) });
  for await (const line of lines) {
    /* Most lines are k6's own metrics, which the summary has. */
    if (!line.includes('"metric":"mayfly_') || line.includes('"type":"Metric"')) continue;
    const { metric, data } = JSON.parse(line);
    seconds.add(metric, Date.parse(data.time), data.value);
  }
  return seconds.list();
}
