/** Deletes bundles that no function and no layer needs, every few minutes. Started by main.ts. */
import type { Logger } from "../telemetry/logger.ts";
import type { BundleStore } from "./bundles/bundle-store.ts";
import type { FunctionRegistry } from "./registry/function-registry.ts";
import type { LayerRegistry } from "./registry/layer-registry.ts";

const EVERY_MS = 5 * 60_000;

/** Returns what stops it. */
export function sweepBundles(
  store: BundleStore,
  registries: { functions: FunctionRegistry; layers: LayerRegistry },
  logger: Logger,
): () => void {
  const sweep = async (): Promise<void> => {
    try {
      const deleted = await store.sweep(() => referencedDigests(registries));
      if (deleted > 0) logger.info({ deleted }, "Deleted bundles that no function needs");
    } catch (error) {
      // Nothing is lost: without the references nothing is deleted, and the next sweep comes.
      logger.warn({ err: error }, "Bundles cannot be swept");
    }
  };
  const timer = setInterval(() => void sweep(), EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** A layer that is replaced while a function is being deployed with it is saved by the store's grace time. */
export async function referencedDigests(registries: {
  functions: FunctionRegistry;
  layers: LayerRegistry;
}): Promise<Set<string>> {
  const ofLayers = await registries.layers.referencedDigests();
  return new Set([...ofLayers, ...(await registries.functions.referencedDigests())]);
}
