/** What must be free before anything starts: the port, and the instance's name. start.ts calls it. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { MayflyError } from "../../contract/index.ts";

/** Resolves to the port to use: `port`, or a free one for 0. Errors: COMMAND_FAILED with the cure. */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    throw new MayflyError("COMMAND_FAILED", {
      message: sentenceOf(cause as NodeJS.ErrnoException, host, port),
      cause,
    });
  } finally {
    server.close();
  }
}

function sentenceOf(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === "EADDRINUSE") {
    const other = port === 65_535 ? port - 1 : port + 1;
    return `Port ${port} is taken: stop what listens there, or choose another, for example MAYFLY_PORT=${other} npm start`;
  }
  return `Cannot listen on ${host}:${port} (${error.code}): choose an address of this machine with MAYFLY_HOST and MAYFLY_PORT`;
}

/**
 * Holds the instance's name until the process ends, however it ends: the kernel drops an abstract Unix socket
 * with its last descriptor (unix(7)), so that no stale lock file can stand in the way.
 */
export async function claimInstance(instance: string): Promise<Server> {
  const lock = createServer((connection) => connection.destroy());
  try {
    lock.listen(`\0mayfly-launcher-${instance}`);
    await once(lock, "listening");
  } catch (cause) {
    throw new MayflyError("COMMAND_FAILED", {
      message: `Mayfly is already running here as "${instance}": stop it, or start a second one with MAYFLY_INSTANCE=other and a MAYFLY_PORT of its own`,
      cause,
    });
  }
  return lock.unref();
}
