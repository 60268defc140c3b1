/** PUT /v1/functions/{name}: a bundle and its configuration in, a function out. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  type FunctionConfig,
  functionConfig,
  functionName,
  LIMITS,
  MayflyError,
} from "../../contract/index.ts";
import type { BundlePacker } from "../bundles/bundle-packer.ts";
import type { BundleStore } from "../bundles/bundle-store.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { invalidRequest } from "../middleware/invalid-request.ts";
import { limitBody } from "../middleware/limit-body.ts";
import { limitConcurrency } from "../middleware/limit-concurrency.ts";
import { problemResponse } from "../middleware/problem.ts";
import { functionView } from "../registry/function-record.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";

/** For the configuration and the multipart headers. */
const FORM_SLACK_BYTES = 64 * 1024;
/** Uploads in memory at a time; each takes about twice LIMITS.archiveBytes at its peak. */
const UPLOADS_AT_ONCE = 4;

const json = { "application/json": { schema: functionView } };
const route = createRoute({
  method: "put",
  path: "/v1/functions/{name}",
  tags: ["functions"],
  summary: "Deploy a function: make it, or replace it whole",
  security: [{ bearer: [] }, { apiKey: [] }],
  middleware: [limitConcurrency(UPLOADS_AT_ONCE), limitBody(LIMITS.archiveBytes + FORM_SLACK_BYTES)] as const,
  request: {
    params: z.object({ name: functionName }),
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          // Plain JSON Schema and no zod: hono's validator would read the form a second time.
          schema: {
            type: "object",
            required: ["bundle"],
            properties: {
              bundle: { type: "string", format: "binary", description: "A zip or tar.gz archive" },
              configuration: { $ref: "#/components/schemas/FunctionConfig" },
            },
          },
          encoding: { configuration: { contentType: "application/json" } },
        },
      },
    },
  },
  responses: {
    200: { description: "The function was replaced", content: json },
    201: { description: "The function is new", content: json },
    ...problemResponse,
  },
});

export function deployFunction(
  app: OpenAPIHono<GatewayEnv>,
  parts: { packer: BundlePacker; store: BundleStore; registry: FunctionRegistry },
): void {
  const { packer, store, registry } = parts;
  // By zod itself: hono's generator knows only schemas that were made after it had extended zod.
  app.openAPIRegistry.registerComponent(
    "schemas",
    "FunctionConfig",
    z.toJSONSchema(functionConfig, { io: "input", unrepresentable: "any" }) as object,
  );
  app.openapi(route, async (c) => {
    const { name } = c.req.valid("param");
    const { bundle, config } = await readForm(c.req.raw);
    const path = store.incomingPath();
    const { digest, bytes } = await packer.pack({
      archive: await bundle.arrayBuffer(),
      handler: config.handler,
      path,
    });
    await store.keep(path, digest);
    const { isNew, view } = await registry.put({
      name,
      ...config,
      bundleDigest: digest,
      bundleBytes: bytes,
      updatedAt: new Date().toISOString(),
    });
    return isNew ? c.json(view, 201) : c.json(view, 200);
  });
}

async function readForm(request: Request): Promise<{ bundle: File; config: FunctionConfig }> {
  const form = await request.formData().catch((cause: unknown) => {
    throw new MayflyError("REQUEST_INVALID", {
      message: "The request's body is not multipart/form-data",
      cause,
    });
  });
  const fault = (path: string, message: string): MayflyError =>
    invalidRequest("form", { issues: [{ code: "custom", path: [path], message, input: undefined }] });

  for (const key of form.keys())
    if (key !== "bundle" && key !== "configuration")
      throw fault(key.slice(0, 64), "is not a field; send bundle and configuration");
  const bundle = form.get("bundle");
  if (!(bundle instanceof File))
    throw fault("bundle", "must be a file, as curl sends with -F bundle=@file.zip");

  // Also as a file, as curl sends with -F configuration=@file.json.
  const configuration = form.get("configuration") ?? "{}";
  const text = typeof configuration === "string" ? configuration : await configuration.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault("configuration", "is not valid JSON");
  }
  const parsed = functionConfig.safeParse(value);
  if (!parsed.success) throw invalidRequest("configuration", parsed.error);
  return { bundle, config: parsed.data };
}
