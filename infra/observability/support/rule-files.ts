/** The rules of infra/observability/prometheus, read and checked for shape. For its tests. */
import { z } from "zod";
import { observabilityFile, readYaml } from "./project-file.ts";

const recordingRule = z.strictObject({ record: z.string(), expr: z.string() });
const alertRule = z.strictObject({
  alert: z.string().regex(/^Mayfly[A-Za-z]+$/),
  expr: z.string(),
  for: z.string().regex(/^\d+[smh]$/),
  labels: z.strictObject({ severity: z.enum(["critical", "warning"]) }),
  annotations: z.strictObject({
    summary: z.string().max(100),
    description: z.string(),
    runbook_url: z.url(),
  }),
});
const groupsOf = <T extends z.ZodType>(rule: T) =>
  z.strictObject({
    groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rule).min(1) })).min(1),
  });

export type AlertRule = z.infer<typeof alertRule>;
export type RecordingRule = z.infer<typeof recordingRule>;

export const RECORDING_RULES_FILE = observabilityFile("prometheus/recording-rules.yml");
export const ALERT_RULES_FILE = observabilityFile("prometheus/alert-rules.yml");

export const readRecordingRules = (): RecordingRule[] =>
  groupsOf(recordingRule)
    .parse(readYaml(RECORDING_RULES_FILE))
    .groups.flatMap(({ rules }) => rules);

export const readAlertRules = (): AlertRule[] =>
  groupsOf(alertRule)
    .parse(readYaml(ALERT_RULES_FILE))
    .groups.flatMap(({ rules }) => rules);
