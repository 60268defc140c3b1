/** prometheus.yml and the rules, judged by promtool; and that the tests of the rules would notice a broken rule. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { observabilityFile, projectFile, readYaml } from "../support/project-file.ts";
import { promtool } from "../support/promtool.ts";
import { type AlertRule, readAlertRules, readRecordingRules } from "../support/rule-files.ts";

const FOLDER = observabilityFile("prometheus");
const TESTS = readdirSync(join(FOLDER, "tests")).filter((name) => name.endsWith(".test.yml"));
const alerts = readAlertRules();

const testFile = z.looseObject({
  tests: z.array(
    z.looseObject({
      name: z.string(),
      alert_rule_test: z.array(
        z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()).optional() }),
      ),
    }),
  ),
});
const tests = TESTS.flatMap((name) => testFile.parse(readYaml(join(FOLDER, "tests", name))).tests);
const cases = tests
  .flatMap((one) => one.alert_rule_test)
  .map(({ alertname, exp_alerts }) => ({ alertname, fires: (exp_alerts ?? []).length > 0 }));

test("promtool accepts prometheus.yml and every rule that it loads", () => {
  const { ok, said } = promtool("check", "config", join(FOLDER, "prometheus.yml"));
  expect(said).toContain(`SUCCESS: ${readRecordingRules().length} rules found`);
  expect(said).toContain(`SUCCESS: ${alerts.length} rules found`);
  expect(ok, said).toBe(true);
});

test.each(TESTS)("promtool test rules: %s", (name) => {
  const { ok, said } = promtool("test", "rules", join(FOLDER, "tests", name));
  expect(ok, said).toBe(true);
});

test("no two alerts have a name, and no two recording rules", () => {
  for (const names of [alerts.map(({ alert }) => alert), readRecordingRules().map(({ record }) => record)])
    expect(new Set(names).size).toBe(names.length);
});

describe.each(alerts)("$alert", (rule) => {
  test("has a case in which it fires and one in which it does not", () => {
    const own = cases.filter(({ alertname }) => alertname === rule.alert);
    expect(new Set(own.map(({ fires }) => fires))).toEqual(new Set([true, false]));
  });

  test("has a runbook that says what it is, and all that a runbook says", () => {
    const page = /^https:\/\/mayfly\.example\/(docs\/runbooks\/[a-z-]+\.md)$/.exec(
      rule.annotations.runbook_url,
    )?.[1];
    const kebab = rule.alert.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
    expect(page).toBe(`docs/runbooks/${kebab}.md`);
    const text = readFileSync(projectFile(page ?? ""), "utf8");
    expect(text).toMatch(new RegExp(`^# ${rule.alert}$`, "m"));
    expect(text).toContain(`**Severity:** ${rule.labels.severity}`);
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      "What it means",
      "What users notice",
      "How to look",
      "What to do",
      "Why it may be false",
    ]);
  });
});

test("every runbook is some alert's", () => {
  const pages = readdirSync(projectFile("docs/runbooks")).filter((name) => name !== "README.md");
  expect(pages).toHaveLength(alerts.length);
  expect(existsSync(projectFile("docs/runbooks/README.md"))).toBe(true);
});

describe("the tests of the rules", () => {
  let copy = "";
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "mayfly-rules-"));
    cpSync(FOLDER, copy, { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  /** Runs those of one alert, alone, with an expression that may be another. */
  function pass(rule: AlertRule, expr: string): boolean {
    // Only the recording rules that it reads: those over hours make up most of what promtool computes.
    const recorded = readRecordingRules().filter(({ record }) => rule.expr.includes(record));
    const groups = [{ name: "one", rules: [...recorded, { ...rule, expr }] }];
    writeFileSync(join(copy, "alert-rules.yml"), stringify({ groups }));
    const own = tests.filter(({ alert_rule_test: asserted }) =>
      asserted.some(({ alertname }) => alertname === rule.alert),
    );
    const files = { rule_files: ["alert-rules.yml"], evaluation_interval: "1m" };
    writeFileSync(join(copy, "one.test.yml"), stringify({ ...files, tests: own }));
    return promtool("test", "rules", join(copy, "one.test.yml")).ok;
  }

  test.each(alerts)("pass as $alert is, and fail when it never fires and when it always fires", (rule) => {
    expect(pass(rule, rule.expr)).toBe(true);
    expect(pass(rule, "vector(1) > 2")).toBe(false);
    // Right where the right expression has a result, so that only the quiet cases can object.
    expect(pass(rule, `(${rule.expr}) or vector(1) unless on () (${rule.expr})`)).toBe(false);
  });
});
