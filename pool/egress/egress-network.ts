/**
 * The worker's side of network egress: the instance's firewall table, and a link for each sandbox that may go out.
 * Opened by create-pool.ts where the operator allows egress; linux-sandbox-factory.ts attaches a link to a set while
 * nobody waits, and linux-sandbox.ts detaches it. docs/decisions/0010 says why it is made like this.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EgressPolicy, MayflyError, parseCidr, SANDBOX_RESOLVER } from "../../contract/index.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { findResolver } from "./find-resolver.ts";
import { LinkAddresses } from "./link-addresses.ts";
import { NftSession } from "./nft-session.ts";
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
  /** From now on only what the policy names, and the resolver; without one, everything public. Errors: EGRESS_FAILED. */
  allow(policy: EgressPolicy | undefined): Promise<void>;
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
  readonly #ruleset: string;
  readonly #addresses: LinkAddresses;
  readonly #logger: Logger;
  /** Links that exist or are being made, each with whether it was cut. */
  readonly #links = new Map<string, { cut: boolean }>();
  #session: Promise<NftSession> | undefined;
  #closing = false;

  private constructor(options: EgressOptions, resolver: string) {
    const range = parseCidr(options.range);
    if (range === undefined) throw new TypeError(`${options.range} is no range`);
    const names = EgressNetwork.namesOf(options.instance);
    this.#addresses = new LinkAddresses(range);
    this.#logger = options.logger;
    this.#ruleset = ruleset({ ...options, ...names, resolver });
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
    const network = new EgressNetwork(options, options.resolver ?? (await findResolver()));
    const { table, linkPrefix, resolver } = network;
    try {
      /* First: where another worker has the instance's table, its links are not ours to remove. */
      await network.#firewall();
      for (const link of await linksNamed(linkPrefix)) await removeLink(link);
      await requireFreeRange(options.range);
    } catch (error) {
      await network.close();
      throw error;
    }
    options.logger.info({ table, linkPrefix, resolver }, "functions may be given network egress");
    return network;
  }

  /** `pid`: of the set's PID 1. On failure nothing is left. Errors: EGRESS_FAILED. */
  async attach(pid: number): Promise<EgressLink> {
    const session = await this.#firewall();
    const { index, address } = this.#addresses.take();
    const name = `${this.linkPrefix}${index}`;
    const state = { cut: false };
    this.#links.set(name, state);
    try {
      await runTool(["sh", ATTACH_SCRIPT, name, `${pid}`, address, SANDBOX_RESOLVER]);
      if (session.hasEnded) throw lost();
    } catch (error) {
      await removeLink(name);
      this.#links.delete(name);
      this.#addresses.give(index);
      throw error;
    }
    return this.#linkOf(session, index, address, state);
  }

  /** Its links must be detached before. The table goes with the session. */
  async close(): Promise<void> {
    this.#closing = true;
    await (await this.#session?.catch(() => undefined))?.close();
  }

  /** The table's owner; another one when the last has ended. */
  #firewall(): Promise<NftSession> {
    this.#session ??= this.#openSession();
    return this.#session;
  }

  async #openSession(): Promise<NftSession> {
    const session = new NftSession();
    try {
      await untilOwned(() => session.apply(this.#ruleset));
    } catch (error) {
      this.#session = undefined;
      await session.close();
      throw error;
    }
    void session.ended.then(() => this.#cutAll());
    return session;
  }

  /** Without the table nothing is refused: whoever has a link loses it, and none of them gets it back. */
  async #cutAll(): Promise<void> {
    this.#session = undefined;
    if (this.#closing) return;
    this.#logger.error({ links: this.#links.size }, "nft has ended: sandboxes are cut off from the network");
    for (const state of this.#links.values()) state.cut = true;
    const names = [...this.#links.keys()];
    const results = await Promise.allSettled(names.map(removeLink));
    for (const result of results)
      if (result.status === "rejected") this.#logger.error({ err: result.reason }, "a link could not be cut");
  }

  async #forget(session: NftSession, link: string, chain: string): Promise<void> {
    try {
      await session.apply(removeAllowList(this.table, link, chain));
    } catch (error) {
      /* A session that has ended took the list with it. */
      if (!session.hasEnded) throw error;
    }
  }

  #linkOf(session: NftSession, index: number, address: string, state: { cut: boolean }): EgressLink {
    const name = `${this.linkPrefix}${index}`;
    const chain = `allow_${index}`;
    let allowed: Promise<void> | undefined;
    return {
      name,
      address,
      allow: async (policy) => {
        if (state.cut) throw lost();
        if (policy === undefined) return;
        allowed = session.apply(addAllowList(this.table, name, chain, policy.allow));
        await allowed;
      },
      detach: async () => {
        /* First the link: nobody's packets ever pass without the list that they are under. */
        await removeLink(name);
        this.#links.delete(name);
        /* Possibly still being written: a sandbox may be destroyed while it is prepared. */
        const hasAllowList = await allowed?.then(
          () => true,
          () => false,
        );
        if (hasAllowList === true) await this.#forget(session, name, chain);
        this.#addresses.give(index);
      },
    };
  }
}

const lost = () =>
  new MayflyError("EGRESS_FAILED", {
    message: "Cannot let the function reach the network: nft, which keeps the firewall's table, has ended",
  });

const OWNER_WAIT_MS = 100;
const OWNER_TRIES = 20;

/** The nft of a worker that has just crashed may take a moment to end. That of a living one does not. */
async function untilOwned(write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await write();
      return;
    } catch (error) {
      const isOwned = error instanceof Error && /not (permitted|supported)/.test(error.message);
      if (!isOwned) throw error;
      if (tries === OWNER_TRIES) {
        throw new MayflyError("EGRESS_FAILED", {
          message: `${error.message}. Another process has the table: give each worker a MAYFLY_INSTANCE of its own`,
          cause: error,
        });
      }
      await sleep(OWNER_WAIT_MS);
    }
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

/** Routes into the range, and those that the range would take a part of. In all tables: VPNs have their own. */
async function requireFreeRange(range: string): Promise<void> {
  const routes = await Promise.all(
    ["root", "match"].map((which) => runTool(["ip", "-4", "route", "show", "table", "all", which, range])),
  );
  const taken = routes
    .join("\n")
    .split("\n")
    .filter((route) => route.trim() !== "" && !/^(unicast )?(default|0\.0\.0\.0\/0) /.test(route));
  if (taken[0] === undefined) return;
  throw new MayflyError("HOST_UNSUITABLE", {
    message:
      `Cannot give sandboxes addresses of ${range}: this machine has a route there (${taken[0].trim()}). ` +
      "Set MAYFLY_EGRESS_CIDR to a range that nothing else uses, another instance of Mayfly included",
  });
}
