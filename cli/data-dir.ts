/** Where a Mayfly on this machine keeps its data; `mayfly start` writes it, other commands read its API key there. */
import { resolve } from "node:path";

export function dataDirOf(env: NodeJS.ProcessEnv): string {
  if (env.MAYFLY_DATA_DIR) return resolve(env.MAYFLY_DATA_DIR);
  const instance = env.MAYFLY_INSTANCE ?? "main";
  // Two services on one machine never share a folder by accident.
  return instance === "main" ? "/var/lib/mayfly" : `/var/lib/mayfly-${instance}`;
}
