/** PUT /v1/functions/{name}: a bundle and its configuration in, a function out. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { functionConfig, functionName } from "../../contract/index.ts";
import type { BundlePacker } from "../bundles/bundle-packer.ts";
import type { BundleStore } from "../bundles/bundle-store.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { invalidRequest } from "../middleware/invalid-request.ts";
import { problemResponse } from "../middleware/problem.ts";
import { functionView } from "../registry/function-record.ts";
import type { FunctionRegistry } from "../registry/function-registry.ts";
import type { LayerRegistry } from "../registry/layer-registry.ts";
import { readJsonField, readUpload, uploadMiddleware, uploadSchema } from "./read-upload.ts";

const json = { "application/json": { schema: functionView } };
const route = createRoute({
  method: "put",
  path: "/v1/functions/{name}",
  tags: ["functions"],
  summary: "Deploy a function: make it, or replace it whole",
  security: [{ bearer: [] }, { apiKey: [] }],
  middleware: uploadMiddleware,
  request: {
    params: z.object({ name: functionName }),
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: uploadSchema({ configuration: { $ref: "#/components/schemas/FunctionConfig" } }),
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
  parts: { packer: BundlePacker; store: BundleStore; registry: FunctionRegistry; layers: LayerRegistry },
): void {
  const { packer, store, registry, layers } = parts;
  // By zod itself: hono's generator knows only schemas that were made after it had extended zod.
  app.openAPIRegistry.registerComponent(
    "schemas",
    "FunctionConfig",
    z.toJSONSchema(functionConfig, { io: "input", unrepresentable: "any" }) as object,
  );
  app.openapi(route, async (c) => {
    const { name } = c.req.valid("param");
    const { bundle, form } = await readUpload(c.req.raw, ["configuration"]);
    const parsed = functionConfig.safeParse(await readJsonField(form, "configuration"));
    if (!parsed.success) throw invalidRequest("configuration", parsed.error);
    const config = parsed.data;
    // Before the work, so that a misspelt name costs none; and again after it, to take what is there then.
    await layers.resolve(config.layers);
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
      layerDigests: await layers.resolve(config.layers),
      bundleBytes: bytes,
      updatedAt: new Date().toISOString(),
    });
    return isNew ? c.json(view, 201) : c.json(view, 200);
  });
}
