/** Tells `mayfly ps` and `mayfly top` what the worker does, on a Unix socket of root's. Started by main.ts. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { WorkerStatus } from "../contract/index.ts";

/** Whoever connects gets one JSON text and the end. `look` runs then, and only then. */
export async function serveStatus(path: string, look: () => WorkerStatus): Promise<Server> {
  const server = createServer((connection) => {
    /* Who goes away early does not matter. */
    connection.on("error", () => connection.destroy());
    connection.end(JSON.stringify(look()));
  });
  /* Of a worker that was killed. */
  rmSync(path, { force: true });
  /* bind(2) makes the file, within listen(): at no time may anybody else connect. */
  const umask = process.umask(0o177);
  server.listen(path);
  process.umask(umask);
  await once(server, "listening");
  return server.unref();
}
