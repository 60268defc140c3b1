/** /v1/layers: bundles that functions name under `layers` and find merged at /opt. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { layerName } from "../../contract/index.ts";
import type { BundlePacker } from "../bundles/bundle-packer.ts";
import type { BundleStore } from "../bundles/bundle-store.ts";
import type { GatewayEnv } from "../gateway-env.ts";
import { problemResponse } from "../middleware/problem.ts";
import { layerRecord } from "../registry/layer-record.ts";
import type { LayerRegistry } from "../registry/layer-registry.ts";
import { readUpload, uploadMiddleware, uploadSchema } from "./read-upload.ts";

const security = [{ bearer: [] }, { apiKey: [] }];
const params = z.object({ name: layerName });
const tags = ["layers"];
const one = { "application/json": { schema: layerRecord } };

const putRoute = createRoute({
  method: "put",
  path: "/v1/layers/{name}",
  tags,
  summary: "Upload a layer: make it, or replace it",
  security,
  middleware: uploadMiddleware,
  request: {
    params,
    body: {
      required: true,
      content: {
        "multipart/form-data": { schema: uploadSchema() },
      },
    },
  },
  responses: {
    200: { description: "The layer was replaced", content: one },
    201: { description: "The layer is new", content: one },
    ...problemResponse,
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/layers",
  tags,
  summary: "List layers, sorted by name",
  security,
  responses: {
    200: {
      description: "All layers",
      content: {
        "application/json": { schema: z.object({ layers: z.array(layerRecord) }).openapi("LayerList") },
      },
    },
    ...problemResponse,
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/v1/layers/{name}",
  tags,
  summary: "Describe a layer",
  security,
  request: { params },
  responses: { 200: { description: "The layer", content: one }, ...problemResponse },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/v1/layers/{name}",
  tags,
  summary: "Delete a layer; functions that were deployed with it keep it",
  security,
  request: { params },
  responses: { 204: { description: "The layer is gone" }, ...problemResponse },
});

export function layerRoutes(
  app: OpenAPIHono<GatewayEnv>,
  parts: { packer: BundlePacker; store: BundleStore; layers: LayerRegistry },
): void {
  const { packer, store, layers } = parts;
  app.openapi(putRoute, async (c) => {
    const { name } = c.req.valid("param");
    const { bundle } = await readUpload(c.req.raw, []);
    const path = store.incomingPath();
    const { digest, bytes } = await packer.pack({ archive: await bundle.arrayBuffer(), path });
    await store.keep(path, digest);
    const updatedAt = new Date().toISOString();
    const record = { name, bundleDigest: digest, bundleBytes: bytes, updatedAt };
    return (await layers.put(record)) ? c.json(record, 201) : c.json(record, 200);
  });
  app.openapi(listRoute, async (c) => c.json({ layers: await layers.list() }, 200));
  app.openapi(getRoute, async (c) => c.json(await layers.get(c.req.valid("param").name), 200));
  app.openapi(deleteRoute, async (c) => {
    await layers.delete(c.req.valid("param").name);
    return c.body(null, 204);
  });
}
