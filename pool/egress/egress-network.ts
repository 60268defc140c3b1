/**
 * The worker's side of network egress: the instance's firewall table, and a link for each sandbox that may go out.
 * Opened by create-pool.ts where the operator allows egress; linux-sandbox-factory.ts attaches a link to a set while
 * nobody waits, and linux-sandbox.ts detaches it. docs/decisions/0010 says why it is made like this.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type EgressPolicy, MayflyError, parseCidr, SANDBOX_RESOLVER } from "../../contract/index.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { findResolver } from "./find-resolver.ts";
import { LinkAddresses } from "./link-addresses.ts";
import { NftTransactions } from "./nft-transactions.ts";
import { addAllowList, removeAllowList, ruleset } from "./ruleset.ts";
import { runTool } from "./run-tool.ts";

export interface EgressOptions {
  instance: string;
  /** Addresses of sandboxes, `a.b.c.d/n`: nothing else of the machine's, and of no other instance. */
  range: string;
  /** Address of the resolver. Default: the machine's own. */
  resolver?: string | undefined;
  /** Ranges refused beside those that always are. */
  deny: string[];
  logger: Logger;
}

/** A sandbox's way out. */
export interface EgressLink {
  /** Its name in the worker's network namespace. */
  readonly name: string;
  readonly address: string;
  /** From now on only what the policy names, and the resolver. Errors: EGRESS_FAILED. */
  allow(policy: EgressPolicy): Promise<void>;
  /** Cuts it at once, whatever is still open inside, and forgets its allow-list. Errors: EGRESS_FAILED. */
  detach(): Promise<void>;
}

const ATTACH_SCRIPT = fileURLToPath(new URL("attach-link.sh", import.meta.url));

/** Interfaces of the network namespace in which this process is, whose names begin so. */
async function linksNamed(prefix: string): Promise<string[]> {
  const lines = (await readFile("/proc/self/net/dev", "utf8")).split("\n").slice(2);
  return lines.map((line) => line.split(":")[0]?.trim() ?? "").filter((name) => name.startsWith(prefix));
}

async function removeLink(name: string): Promise<void> {
  try {
    await runTool(["ip", "link", "delete", name]);
  } catch (error) {
    /* It went with its namespace. */
    if ((await linksNamed(name)).includes(name)) throw error;
  }
}

export class EgressNetwork {
  readonly resolver: string;
  readonly table: string;
  readonly linkPrefix: string;
  readonly #addresses: LinkAddresses;
  readonly #transactions = new NftTransactions();

  private constructor(
    options: EgressOptions,
    resolver: string,
    names: { table: string; linkPrefix: string },
  ) {
    const range = parseCidr(options.range);
    if (range === undefined) throw new TypeError(`${options.range} is no range`);
    this.#addresses = new LinkAddresses(range);
    this.resolver = resolver;
    this.table = names.table;
    this.linkPrefix = names.linkPrefix;
  }

  /** What one instance calls its table and its links: interface names have 15 characters at most. */
  static namesOf(instance: string): { table: string; linkPrefix: string } {
    const hash = createHash("sha256").update(instance).digest("hex").slice(0, 6);
    return { table: `mayfly_${instance.replaceAll("-", "_")}`, linkPrefix: `mf${hash}-` };
  }

  /** Removes what an earlier worker of the instance left, and writes the table. Errors: HOST_UNSUITABLE, EGRESS_FAILED. */
  static async open(options: EgressOptions): Promise<EgressNetwork> {
    await requireForwarding();
    const names = EgressNetwork.namesOf(options.instance);
    const network = new EgressNetwork(options, options.resolver ?? (await findResolver()), names);
    for (const link of await linksNamed(names.linkPrefix)) await removeLink(link);
    await requireFreeRange(options.range);
    await network.#transactions.apply(ruleset({ ...options, ...names, resolver: network.resolver }));
    options.logger.info({ ...names, resolver: network.resolver }, "functions may be given network egress");
    return network;
  }

  /** `pid`: of the set's PID 1. On failure nothing is left. Errors: EGRESS_FAILED. */
  async attach(pid: number): Promise<EgressLink> {
    const { index, address } = this.#addresses.take();
    const name = `${this.linkPrefix}${index}`;
    try {
      await runTool(["sh", ATTACH_SCRIPT, name, `${pid}`, address, SANDBOX_RESOLVER, this.table]);
    } catch (error) {
      await removeLink(name);
      this.#addresses.give(index);
      throw error;
    }
    return this.#linkOf(name, index, address);
  }

  /** Its links must be detached before. */
  async close(): Promise<void> {
    await this.#transactions.apply(`delete table inet ${this.table}`);
  }

  #linkOf(name: string, index: number, address: string): EgressLink {
    const chain = `allow_${index}`;
    let allowed: Promise<void> | undefined;
    return {
      name,
      address,
      allow: ({ allow }) => {
        allowed = this.#transactions.apply(addAllowList(this.table, name, chain, allow));
        return allowed;
      },
      detach: async () => {
        /* First the link: nobody's packets ever pass without the list that they are under. */
        await removeLink(name);
        /* Possibly still being written: a sandbox may be destroyed while it is prepared. */
        const hasAllowList = await allowed?.then(
          () => true,
          () => false,
        );
        if (hasAllowList === true) await this.#transactions.apply(removeAllowList(this.table, name, chain));
        this.#addresses.give(index);
      },
    };
  }
}

/** The worker changes no setting of the whole machine by itself. */
async function requireForwarding(): Promise<void> {
  if ((await readFile("/proc/sys/net/ipv4/ip_forward", "utf8")).trim() === "1") return;
  throw new MayflyError("HOST_UNSUITABLE", {
    message:
      "Cannot let functions reach the network: this machine does not forward packets. Allow it " +
      "(sysctl -w net.ipv4.ip_forward=1, and a file in /etc/sysctl.d to keep it), or unset MAYFLY_EGRESS",
  });
}

async function requireFreeRange(range: string): Promise<void> {
  const routes = (await runTool(["ip", "-4", "route", "show", "root", range])).trim();
  if (routes === "") return;
  throw new MayflyError("HOST_UNSUITABLE", {
    message:
      `Cannot give sandboxes addresses of ${range}: this machine has a route into it (${routes.split("\n")[0]}). ` +
      "Set MAYFLY_EGRESS_CIDR to a range that nothing else uses, another instance of Mayfly included",
  });
}
