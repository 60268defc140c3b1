/** The resolver that egress sandboxes are led to when the operator names none. Called by egress-network.ts. */
import { readFile } from "node:fs/promises";
import { MayflyError, parseCidr, parseIpv4 } from "../../contract/index.ts";

/** systemd-resolved listens on 127.0.0.53 and keeps the servers that it asks in the second. */
const FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/** A sandbox's packets come from outside as far as the worker's loopback is concerned: the kernel drops them. */
export function isLoopback(address: string): boolean {
  const loopback = parseCidr("127.0.0.0/8");
  const number = parseIpv4(address);
  return (
    loopback !== undefined && number !== undefined && number >= loopback.first && number <= loopback.last
  );
}

/** The first name server that has an IPv4 address and is no loopback one. */
export function firstNameserver(resolvConf: string): string | undefined {
  const servers = resolvConf.split("\n").map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? "");
  return servers.find((server) => parseIpv4(server) !== undefined && !isLoopback(server));
}

/** Errors: HOST_UNSUITABLE. */
export async function findResolver(
  files = FILES,
  read: (path: string) => Promise<string> = (path) => readFile(path, "utf8"),
): Promise<string> {
  for (const file of files) {
    const server = firstNameserver(await read(file).catch(() => ""));
    if (server !== undefined) return server;
  }
  throw new MayflyError("HOST_UNSUITABLE", {
    message:
      "Cannot let functions reach the network: no resolver was found that they could ask (a loopback address is out " +
      "of their reach). Name one: MAYFLY_EGRESS_DNS=<IPv4 address>",
  });
}
