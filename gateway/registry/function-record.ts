/** A deployed function as the registry keeps it, and as the API shows it. */
import { z } from "@hono/zod-openapi";
import {
  bundleDigest,
  completeLimits,
  functionConfig,
  functionName,
  type PrewarmFunction,
  prewarmFunction,
} from "../../contract/index.ts";

/** What is stored. It holds the environment's values, which are secrets. */
export const functionRecord = z.object({
  name: functionName,
  ...functionConfig.shape,
  limits: completeLimits,
  environment: z.record(z.string(), z.string()),
  bundleDigest,
  /** What the names in `layers` meant when the function was deployed, in their order. */
  layerDigests: z.array(bundleDigest).default([]),
  /** Of the packed form. */
  bundleBytes: z.number().int().min(0),
  updatedAt: z.iso.datetime(),
});
export type FunctionRecord = z.output<typeof functionRecord>;

/** What callers see: the environment's names only. */
export const functionView = functionRecord
  .omit({ environment: true })
  .extend({ environmentNames: z.array(z.string()), createdAt: z.iso.datetime() })
  .openapi("Function");
export type FunctionView = z.output<typeof functionView>;

export function toPrewarmFunction(record: FunctionRecord): PrewarmFunction {
  return prewarmFunction.strip().parse({ ...record, functionName: record.name });
}

export function toFunctionView(record: FunctionRecord, createdAt: string): FunctionView {
  const { environment, ...shown } = record;
  return { ...shown, environmentNames: Object.keys(environment).sort(), createdAt };
}
