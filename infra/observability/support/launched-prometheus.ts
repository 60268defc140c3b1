/**
 * A Prometheus of its own for a test: the committed prometheus.yml and rules, with a scrape each second, the targets
 * replaced, and one alert's `for` shortened. Port and data folder are its own too, and nothing of it is left.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { freePorts } from "../../free-ports.ts";
import { observabilityFile, readYaml } from "./project-file.ts";
import { untilTrue } from "./until-true.ts";

export interface PrometheusOptions {
  /** `job_name` → `host:port`. */
  targets: Record<string, string>;
  /** Alert → `for`. */
  holdFor: Record<string, string>;
}

const settings = z.looseObject({
  global: z.record(z.string(), z.string()),
  scrape_configs: z.array(z.looseObject({ job_name: z.string(), static_configs: z.unknown() })),
});
const alertRules = z.looseObject({
  groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ alert: z.string(), for: z.string() })) })),
});
const answer = z.object({ status: z.literal("success"), data: z.unknown() });
const vector = z.object({
  resultType: z.literal("vector"),
  result: z.array(
    z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
  ),
});

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface LaunchedPrometheus {
  pid: number;
  port: number;
  folder: string;
  /** An instant vector, as it is now. */
  query(expression: string): Promise<Sample[]>;
  /** `data` of GET /api/v1/<path>. */
  get(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

export async function launchPrometheus(options: PrometheusOptions): Promise<LaunchedPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-prometheus-"));
  await writeConfiguration(folder, options);
  const [port = 0] = await freePorts(1);
  const child = spawn(
    "prometheus",
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(child, "close");
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await closed;
    await rm(folder, { recursive: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const get = async (path: string) => answer.parse(await (await fetch(`${url}/api/v1/${path}`)).json()).data;
  try {
    await Promise.race([
      untilTrue("Prometheus is ready", async () => (await fetch(`${url}/-/ready`)).ok),
      closed.then(() => Promise.reject(new Error(`Prometheus has ended: ${said}`))),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: child.pid ?? 0,
    port,
    folder,
    get,
    stop,
    async query(expression) {
      const { result } = vector.parse(await get(`query?query=${encodeURIComponent(expression)}`));
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
  };
}

async function writeConfiguration(folder: string, { targets, holdFor }: PrometheusOptions): Promise<void> {
  const config = settings.parse(readYaml(observabilityFile("prometheus/prometheus.yml")));
  config.global = { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
  for (const job of config.scrape_configs) {
    const target = targets[job.job_name];
    if (target === undefined)
      throw new Error(`prometheus.yml has a job ${job.job_name}, and the test no target for it`);
    job.static_configs = [{ targets: [target] }];
  }
  await writeFile(join(folder, "prometheus.yml"), stringify(config));
  await cp(observabilityFile("prometheus/recording-rules.yml"), join(folder, "recording-rules.yml"));

  const rules = alertRules.parse(readYaml(observabilityFile("prometheus/alert-rules.yml")));
  for (const rule of rules.groups.flatMap((group) => group.rules)) rule.for = holdFor[rule.alert] ?? rule.for;
  await writeFile(join(folder, "alert-rules.yml"), stringify(rules));
}
