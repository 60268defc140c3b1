/** The dashboards and the provisioning files: shape, and every expression judged by promtool. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { observabilityFile, readYaml } from "../support/project-file.ts";
import { promtool } from "../support/promtool.ts";
import { expressionsOf, readDashboards } from "../support/read-dashboards.ts";

const dashboards = readDashboards();
let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "mayfly-dashboards-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** As rules, which is how promtool reads an expression without a Prometheus to ask. */
function judge(expressions: string[]) {
  const file = join(scratch, "expressions.yml");
  const rules = expressions.map((expr, at) => ({ record: `expression_${at}`, expr }));
  writeFileSync(file, stringify({ groups: [{ name: "dashboards", rules }] }));
  return promtool("check", "rules", file);
}

test("there are the three dashboards", () => {
  expect(dashboards.map(({ file }) => file).sort()).toEqual(["machine", "pools", "service"]);
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(3);
});

test("an expression that is none is found", () => {
  expect(judge(["sum(rate(a[5m])"]).ok).toBe(false);
});

describe.each(dashboards)("$file", (dashboard) => {
  test("has a variable for the Prometheus to ask", () => {
    expect(dashboard.templating.list[0]).toMatchObject({ type: "datasource", name: "datasource" });
  });

  test("has only expressions that promtool accepts, and more than a few", () => {
    const expressions = expressionsOf(dashboard).map(({ expr }) => expr);
    expect(expressions.length).toBeGreaterThan(10);
    for (const expr of expressions) expect(expr).not.toMatch(/\$|^$/);
    const { ok, said } = judge(expressions);
    expect(ok, said).toBe(true);
    expect(said).toContain(`${expressions.length} rules found`);
  });

  test("has panels that lie side by side and have ids of their own", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [at, { gridPos: one, title }] of panels.entries()) {
      expect(one.x + one.w, title).toBeLessThanOrEqual(24);
      for (const { gridPos: other, title: otherTitle } of panels.slice(at + 1)) {
        const meet =
          one.x < other.x + other.w &&
          other.x < one.x + one.w &&
          one.y < other.y + other.h &&
          other.y < one.y + one.h;
        expect(meet, `${title} lies on ${otherTitle}`).toBe(false);
      }
    }
  });
});

test("the provisioning files have what Grafana asks for", () => {
  const read = (name: string) => readYaml(observabilityFile(`grafana/provisioning/${name}`));
  z.strictObject({
    apiVersion: z.literal(1),
    datasources: z.tuple([
      z.looseObject({
        name: z.string(),
        uid: z.string(),
        type: z.literal("prometheus"),
        url: z.literal("$" + "{MAYFLY_PROMETHEUS_URL}"),
      }),
    ]),
  }).parse(read("datasources/mayfly.yaml"));
  z.strictObject({
    apiVersion: z.literal(1),
    providers: z.tuple([
      z.looseObject({
        type: z.literal("file"),
        options: z.strictObject({ path: z.literal("$" + "{MAYFLY_DASHBOARDS}") }),
      }),
    ]),
  }).parse(read("dashboards/mayfly.yaml"));
});
