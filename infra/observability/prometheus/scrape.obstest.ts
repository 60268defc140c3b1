/**
 * The real service, scraped by the real Prometheus with our configuration: targets, sums, rules, alerts, and that
 * every metric that a rule or a dashboard reads is one that gateway and worker expose.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type LaunchedService, launchService } from "../../../test/support/launched-service.ts";
import { Leftovers } from "../../../test/support/leftovers.ts";
import { freePorts } from "../../free-ports.ts";
import { type LaunchedPrometheus, launchPrometheus } from "../support/launched-prometheus.ts";
import { metricsInPromql } from "../support/metrics-in-promql.ts";
import { projectFile } from "../support/project-file.ts";
import { expressionsOf, readDashboards } from "../support/read-dashboards.ts";
import { readAlertRules, readRecordingRules } from "../support/rule-files.ts";
import { untilTrue } from "../support/until-true.ts";

const instance = `obs-${process.pid}`;
/** What is invoked, and how it ends.  */
const OK = 7;
const AT_ONCE = 6;
const ERRORS = 3;
const TIMEOUTS = 2;
/** Prometheus' own: targets, and what it says of alerts. */
const BUILT_IN = ["up", "ALERTS"];

let leftovers: Leftovers;
let service: LaunchedService;
let prometheus: LaunchedPrometheus;
let metricsPorts: number[] = [];
const before = new Set<string>();

const temporaryFolders = async () =>
  (await readdir(tmpdir())).filter((name) => /^mayfly-(prometheus|rules|dashboards)-/.test(name));

beforeAll(async () => {
  for (const name of await temporaryFolders()) before.add(name);
  leftovers = await Leftovers.before(instance);
  metricsPorts = await freePorts(2);
  const [gateway = 0, worker = 0] = metricsPorts;
  service = await launchService(instance, {
    MAYFLY_GATEWAY_METRICS_PORT: `${gateway}`,
    MAYFLY_WORKER_METRICS_PORT: `${worker}`,
    // Few, so that invocations that come together find the pool empty: a cold start is to be counted too.
    MAYFLY_POOL_MIN: "1",
    MAYFLY_POOL_MAX: "1",
  });
  leftovers.expectGone(basename(service.dataDir), service.port);
  prometheus = await launchPrometheus({
    targets: { "mayfly-gateway": `127.0.0.1:${gateway}`, "mayfly-worker": `127.0.0.1:${worker}` },
    holdFor: { MayflyTargetDown: "1s" },
  });
});

/** Before everything else fails for want of it: whatever happens above, these two must not stay. */
afterAll(async () => {
  if (prometheus && existsSync(prometheus.folder)) await prometheus.stop();
  if (service && existsSync(service.dataDir)) {
    await service.stop();
    await service.removeData();
  }
});

const mayfly = (...words: string[]) =>
  promisify(execFile)(process.execPath, ["cli/main.ts", ...words], {
    cwd: projectFile(""),
    env: service.clientEnv,
  });

async function invoke(name: string, event: unknown, status: number): Promise<void> {
  const answer = await service.invoke(name, event);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
}

/** Waits until Prometheus has read as much, and only then compares: `sum by (label) (expression)`. */
async function expectSums(metric: string, label: string, sums: Record<string, number>): Promise<void> {
  const read = async () =>
    Object.fromEntries(
      (await prometheus.query(`sum by (${label}) (${metric})`)).map(({ labels, value }) => [
        labels[label] ?? "",
        value,
      ]),
    );
  const total = (counts: Record<string, number>) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0);
  await untilTrue(`${metric} adds up to ${total(sums)}`, async () => total(await read()) >= total(sums));
  expect(await read()).toEqual(sums);
}

test("both targets are up", async () => {
  await untilTrue("both are scraped", async () => (await prometheus.query("up == 1")).length === 2);
  const targets = z
    .object({
      activeTargets: z.array(z.object({ labels: z.record(z.string(), z.string()), health: z.string() })),
    })
    .parse(await prometheus.get("targets"));
  expect(targets.activeTargets.map(({ labels, health }) => [labels.job, health]).sort()).toEqual([
    ["mayfly-gateway", "up"],
    ["mayfly-worker", "up"],
  ]);
  const names = await prometheus.query("target_info");
  expect(names.map(({ labels }) => [labels.job, labels.service_name, labels.mayfly_instance]).sort()).toEqual(
    [
      ["mayfly-gateway", "mayfly-gateway", instance],
      ["mayfly-worker", "mayfly-worker", instance],
    ],
  );
});

test("the sums are exactly what was invoked, by verdict and by function", async () => {
  for (const folder of ["examples/hello", "test/functions/spin", "test/functions/throw"])
    await mayfly("deploy", folder);
  // Every series is seen with its first value before it grows: a rate begins with the second.
  await invoke("hello", {}, 200);
  await invoke("throw", {}, 502);
  await invoke("spin", {}, 504);
  await expectSums("mayfly_invocations_total", "mayfly_verdict", { ok: 1, function_error: 1, timeout: 1 });

  for (let nth = 1; nth < OK; nth++) await invoke("hello", { name: `${nth}` }, 200);
  await Promise.all(Array.from({ length: AT_ONCE }, () => invoke("hello", {}, 200)));
  for (let nth = 1; nth < ERRORS; nth++) await invoke("throw", {}, 502);
  for (let nth = 1; nth < TIMEOUTS; nth++) await invoke("spin", {}, 504);

  await expectSums("mayfly_invocations_total", "mayfly_verdict", {
    ok: OK + AT_ONCE,
    function_error: ERRORS,
    timeout: TIMEOUTS,
  });
  await expectSums("mayfly_invocations_total", "faas_name", {
    hello: OK + AT_ONCE,
    throw: ERRORS,
    spin: TIMEOUTS,
  });
});

test("the worker's counts agree with the gateway's", async () => {
  await expectSums("faas_invocations_total", "", { "": OK + AT_ONCE });
  await expectSums("faas_errors_total", "mayfly_verdict", { function_error: ERRORS, timeout: TIMEOUTS });
  await expectSums("faas_timeouts_total", "", { "": TIMEOUTS });
  const all = { "": OK + AT_ONCE + ERRORS + TIMEOUTS };
  await expectSums("mayfly_queue_duration_seconds_count", "", all);
  await expectSums('http_server_request_duration_seconds_count{http_route=~".*/invocations"}', "", all);
});

test("all rules are loaded, and none fails", async () => {
  const { groups } = z
    .object({
      groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })),
    })
    .parse(await prometheus.get("rules"));
  const rules = groups.flatMap((group) => group.rules);
  const wanted = [
    ...readRecordingRules().map(({ record }) => record),
    ...readAlertRules().map(({ alert }) => alert),
  ];
  expect(rules.map(({ name }) => name).sort()).toEqual(wanted.sort());
  expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
});

test.each(readRecordingRules())("$record has numbers", async ({ record }) => {
  await untilTrue(`${record} is a number`, async () => {
    const samples = await prometheus.query(record);
    return samples.length > 0 && samples.every(({ value }) => Number.isFinite(value));
  });
  // What was invoked has taken time and has a rate; ratios of faults are 0 on a healthy service.
  const isRatio = /:ratio_/.test(record);
  const highest = async () => Math.max(...(await prometheus.query(record)).map(({ value }) => value));
  if (isRatio) expect(await highest()).toBe(0);
  else await untilTrue(`${record} is above 0`, async () => (await highest()) > 0);
});

test("each metric that a rule or a dashboard reads is exposed", async () => {
  const names = z.array(z.string()).parse(await prometheus.get("label/__name__/values"));
  const exposed = new Set([...names, ...BUILT_IN]);
  const expressions = [
    ...readRecordingRules().map(({ record, expr }) => ({ of: record, expr })),
    ...readAlertRules().map(({ alert, expr }) => ({ of: alert, expr })),
    ...readDashboards().flatMap((dashboard) =>
      expressionsOf(dashboard).map(({ of, expr }) => ({ of: `${dashboard.file}: ${of}`, expr })),
    ),
  ];
  const missing = expressions.flatMap(({ of, expr }) => {
    const read = metricsInPromql(expr);
    if (read.length === 0) return [`${of} reads no metric`];
    return read.filter((metric) => !exposed.has(metric)).map((metric) => `${of} reads ${metric}`);
  });
  expect(missing).toEqual([]);
});

test("each label that an expression groups by or selects is one that the metrics have", async () => {
  const labels = new Set(z.array(z.string()).parse(await prometheus.get("labels")));
  const all = [...readRecordingRules(), ...readAlertRules(), ...readDashboards().flatMap(expressionsOf)];
  const used = all.flatMap(({ expr }) => [
    ...[...expr.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    ...[...expr.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
      list.split(/\s*,\s*/),
    ),
  ]);
  expect(new Set(used).size).toBeGreaterThan(8);
  // Those that only an alert or a prewarmed function brings.
  const known = new Set([...labels, "alertname", "alertstate", "faas_name"]);
  expect([...new Set(used)].filter((label) => !known.has(label))).toEqual([]);
});

const alertsNow = async () =>
  z
    .object({
      alerts: z.array(
        z.object({
          labels: z.record(z.string(), z.string()),
          annotations: z.record(z.string(), z.string()),
          state: z.string(),
        }),
      ),
    })
    .parse(await prometheus.get("alerts")).alerts;

test("no alert fires on a healthy service, and none that wakes somebody stays pending", async () => {
  // For a moment one may be: gateway and worker are not scraped at the same instant.
  await untilTrue("no critical alert is pending", async () =>
    (await alertsNow()).every(({ labels }) => labels.severity !== "critical"),
  );
  expect((await alertsNow()).filter(({ state }) => state === "firing")).toEqual([]);
});

test("MayflyTargetDown fires for gateway and worker when the service has stopped, and nothing of it is left", async () => {
  await leftovers.noteRunning(service.pid);
  await service.stop();
  const firing = async () => (await alertsNow()).filter(({ state }) => state === "firing");
  await untilTrue("two alerts fire", async () => (await firing()).length >= 2);
  const alerts = await firing();
  expect(alerts.map(({ labels }) => [labels.alertname, labels.job, labels.severity]).sort()).toEqual([
    ["MayflyTargetDown", "mayfly-gateway", "critical"],
    ["MayflyTargetDown", "mayfly-worker", "critical"],
  ]);
  expect(alerts[0]?.annotations.runbook_url).toContain("docs/runbooks/mayfly-target-down.md");
  expect(await leftovers.find()).toEqual([]);
  await service.removeData();
});

test("Prometheus ends, with its port and its folders", async () => {
  await prometheus.stop();
  expect(existsSync(`/proc/${prometheus.pid}`)).toBe(false);
  expect((await temporaryFolders()).filter((name) => !before.has(name))).toEqual([]);
  for (const port of [prometheus.port, ...metricsPorts]) expect(await accepts(port)).toBe(false);
});

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(port, "127.0.0.1");
  socket.once("connect", () => resolve(true) ?? socket.destroy()).once("error", () => resolve(false));
  return promise;
}
