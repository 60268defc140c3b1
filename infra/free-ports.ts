/** TCP ports of 127.0.0.1 that nobody listens on at this moment. For what must be told its port beforehand. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Different ones: each is held until all are known. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  try {
    await Promise.all(servers.map((server) => server.listening || once(server, "listening")));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    for (const server of servers) server.close();
  }
}
