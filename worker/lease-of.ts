/** What a sandbox gets for a function: of a job (run-invocation.ts) and of one to be kept initialised (prewarmer.ts). */
import { basename } from "node:path";
import { type DeployedFunction, MayflyError } from "../contract/index.ts";
import type { Lease } from "../pool/sandbox.ts";
import type { Volume } from "./parse-volumes.ts";

/** All but its bundle's folders. Errors: VOLUME_UNKNOWN. */
export function leaseOf(
  deployed: DeployedFunction,
  volumes: Map<string, Volume>,
): Omit<Lease, "bundleFolder" | "layerFolders"> {
  const { functionName, handler, environment, limits, writableRoot, egress } = deployed;
  const mounted = deployed.volumes.map(({ name, path }) => ({
    ...volumeOf(volumes, name),
    name: basename(path),
  }));
  return { functionName, handler, environment, limits, writableRoot, egress, volumes: mounted };
}

function volumeOf(volumes: Map<string, Volume>, name: string): Volume {
  const volume = volumes.get(name);
  if (volume !== undefined) return volume;
  const known = volumes.size === 0 ? "none" : [...volumes.keys()].join(", ");
  throw new MayflyError("VOLUME_UNKNOWN", {
    message: `Cannot mount the volume "${name}": this worker has ${known}`,
  });
}
