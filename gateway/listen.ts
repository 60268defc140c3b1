/** Binds the HTTP server. Called by main.ts and by tests that need a real connection. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { MayflyError } from "../contract/index.ts";

/**
 * Clients get this long to send: headers, and a whole request (50 MiB at 1.4 Mbit/s). None of these cuts an
 * invocation that runs: they end when the request has been read, and `timeout`, which would, stays off.
 */
const TIMEOUTS = {
  headersTimeout: 20_000,
  requestTimeout: 300_000,
  /** Longer than load balancers keep an idle connection (60 s mostly), so that they close first. */
  keepAliveTimeout: 65_000,
};

const CURES: Record<string, string> = {
  EADDRINUSE: "is taken by another process: stop that one, or choose another by MAYFLY_PORT",
  EACCES: "needs rights that the gateway does not have: choose a port above 1023 by MAYFLY_PORT",
  EADDRNOTAVAIL: "is not an address of this machine: correct MAYFLY_HOST",
  ENOTFOUND: "is not a known host: correct MAYFLY_HOST",
};

/** Resolves when the port is bound. Errors: SETTINGS_INVALID, with the cure. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  host: string,
  port: number,
): Promise<{ server: Server; url: string }> {
  // Hono would replace the global Request and Response by its own.
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  const server = createServer(TIMEOUTS, (request, response) => void listener(request, response));
  server.timeout = 0;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    throw new MayflyError("SETTINGS_INVALID", {
      message: `Cannot listen: ${host} port ${port} ${CURES[code] ?? `cannot be bound (${code})`}`,
      cause,
    });
  }
  const address = server.address();
  const bound = typeof address === "object" && address ? address.port : port;
  return { server, url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}` };
}
