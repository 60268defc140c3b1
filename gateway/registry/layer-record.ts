/** A layer as the registry keeps it, and as the API shows it. Nothing of it is secret. */
import { z } from "@hono/zod-openapi";
import { bundleDigest, layerName } from "../../contract/index.ts";

export const layerRecord = z
  .object({
    name: layerName,
    bundleDigest,
    /** Of the packed form. */
    bundleBytes: z.number().int().min(0),
    updatedAt: z.iso.datetime(),
  })
  .openapi("Layer");
export type LayerRecord = z.output<typeof layerRecord>;
