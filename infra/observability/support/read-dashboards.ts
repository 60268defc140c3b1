/** The dashboards of infra/observability/grafana, read and checked for what Grafana needs. For its tests. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { observabilityFile } from "./project-file.ts";

const FOLDER = observabilityFile("grafana/dashboards");

/** Every query names the variable, so that each installation chooses its Prometheus. */
const datasource = z.object({ type: z.literal("prometheus"), uid: z.literal("$" + "{datasource}") });
const place = z.object({
  x: z.int().min(0),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
});
const row = z.object({ id: z.int(), type: z.literal("row"), title: z.string().min(1), gridPos: place });
const panel = z.object({
  id: z.int(),
  type: z.enum(["stat", "timeseries", "heatmap", "table"]),
  title: z.string().min(1),
  gridPos: place,
  datasource,
  targets: z.array(z.object({ refId: z.string(), expr: z.string().min(1), datasource })).min(1),
});
const variable = z.discriminatedUnion("type", [
  z.object({ type: z.literal("datasource"), name: z.literal("datasource"), query: z.literal("prometheus") }),
  z.object({ type: z.literal("query"), name: z.string(), datasource, definition: z.string() }),
]);
const dashboard = z.object({
  uid: z.string().regex(/^mayfly-[a-z]+$/),
  title: z.string().startsWith("Mayfly: "),
  schemaVersion: z.int(),
  templating: z.object({ list: z.array(variable).min(1) }),
  annotations: z.object({ list: z.array(z.object({ datasource, expr: z.string() })) }),
  panels: z.array(z.discriminatedUnion("type", [row, panel])).min(1),
});

export type Dashboard = z.infer<typeof dashboard> & { file: string };

export function readDashboards(): Dashboard[] {
  return readdirSync(FOLDER).map((name) => {
    const read = JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8"));
    return { ...dashboard.parse(read), file: basename(name, ".json") };
  });
}

/** Every PromQL expression, Grafana's variables filled in as Grafana would. */
export function expressionsOf({
  panels,
  annotations,
  templating,
}: Dashboard): { of: string; expr: string }[] {
  const inPanels = panels.flatMap((panel) =>
    "targets" in panel
      ? panel.targets.map(({ expr, refId }) => ({ of: `${panel.title}, ${refId}`, expr }))
      : [],
  );
  const inAnnotations = annotations.list.map(({ expr }) => ({ of: "annotations", expr }));
  const inVariables = templating.list.flatMap((variable) =>
    variable.type === "query"
      ? [
          {
            of: `variable ${variable.name}`,
            expr: /^label_values\((.*), \w+\)$/.exec(variable.definition)?.[1] ?? "",
          },
        ]
      : [],
  );
  return [...inPanels, ...inAnnotations, ...inVariables].map(({ of, expr }) => ({
    of,
    expr: expr
      .replaceAll("$__rate_interval", "1m")
      .replaceAll("$__range", "1h")
      .replaceAll(/\$(function|runtime)\b/g, ".*"),
  }));
}
