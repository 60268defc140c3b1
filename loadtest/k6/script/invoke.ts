/**
 * What k6 runs, in its own JavaScript engine: one iteration is one invocation. The plan (../plan.ts) and the key come by
 * environment; the summary goes to a file, for ../run-k6.ts.
 */
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Rate, Trend } from "k6/metrics";
import type { Plan, PlannedCall } from "../plan.ts";

const plan: Plan = JSON.parse(__ENV.MAYFLY_PLAN ?? "{}");
const headers = { Authorization: `Bearer ${__ENV.MAYFLY_API_KEY}`, "Content-Type": "application/json" };

export const options = plan.options;

/** Of Server-Timing, in milliseconds; a phase that was not reached is not counted. */
const phases = Object.fromEntries(plan.phases.map((name) => [name, new Trend(`mayfly_${name}`, true)]));
const verdicts = Object.fromEntries(
  [...plan.verdicts, "wrong_answer", "none"].map((name) => [name, new Counter(`mayfly_verdict_${name}`)]),
);
const failed = new Rate("mayfly_failed");

const bodies = Object.fromEntries(Object.entries(plan.calls).map(([name, call]) => [name, bodyOf(call)]));

function bodyOf({ event, bytes }: PlannedCall): string {
  return event ?? JSON.stringify("x".repeat(Math.max(0, (bytes ?? 2) - 2)));
}

/** A call without an answer of its own must get its event back. */
const answers = Object.fromEntries(
  Object.entries(plan.calls).map(([name, { answer }]) => [name, answer ?? bodies[name]]),
);

function pick({ functions, cumulative }: PlannedCall): string {
  const at = Math.random();
  return functions[cumulative.findIndex((share) => at < share)] ?? functions[0] ?? "";
}

export default function invoke(): void {
  const name = exec.scenario.name;
  const call = plan.calls[name];
  if (call === undefined) throw new Error(`the plan has no scenario ${name}`);
  const url = http.url`${plan.url}/v1/functions/${pick(call)}/invocations`;
  const response = http.post(url, bodies[name] ?? "", { headers, timeout: "60s" });
  const verdict = verdictOf(response.status, response.body, answers[name]);
  verdicts[verdict]?.add(1);
  failed.add(verdict !== "ok");
  for (const entry of (response.headers["Server-Timing"] ?? "").split(",")) {
    const [, phase = "", ms = ""] = /^\s*(\w+);dur=([\d.]+)/.exec(entry) ?? [];
    phases[phase]?.add(Number(ms));
  }
}

/**
 * 200 is `ok` when the function said what it should; else what the problem says; `none` when there was no answer, or one
 * that is no verdict.
 */
function verdictOf(status: number, body: unknown, answer: string | undefined): string {
  if (status === 200) return body === answer ? "ok" : "wrong_answer";
  const [, verdict = "none"] = /"verdict":"(\w+)"/.exec(typeof body === "string" ? body : "") ?? [];
  return verdict in verdicts ? verdict : "none";
}

export function handleSummary(data: unknown): Record<string, string> {
  return { [__ENV.MAYFLY_SUMMARY ?? ""]: JSON.stringify(data) };
}
