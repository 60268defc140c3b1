/** Deletes bundles that no function needs, every few minutes. Started by main.ts. */
import type { Logger } from "../telemetry/logger.ts";
import type { BundleStore } from "./bundles/bundle-store.ts";
import type { FunctionRegistry } from "./registry/function-registry.ts";

const EVERY_MS = 5 * 60_000;

/** Returns what stops it. */
export function sweepBundles(store: BundleStore, registry: FunctionRegistry, logger: Logger): () => void {
  const sweep = async (): Promise<void> => {
    try {
      const deleted = await store.sweep(() => registry.referencedDigests());
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
