/**
 * The nftables table of one instance, as text for nft. What a packet from a sandbox meets, in this order:
 *
 *   antispoof     its source is not the address of the link that it came by, or it is IPv6: dropped
 *   resolver      port 53 of the sandboxes' resolver becomes the operator's
 *   to_host       for the worker's own machine: refused, but for a resolver that runs there
 *   from_sandbox  for a sibling or a refused range: refused; then the function's allow-list, where it has one
 *   leave         leaves with the worker's address
 *
 * No rule lets a packet from a sandbox pass because a connection is known: an address is used again, and its
 * successor must not inherit a connection that its own allow-list does not have. Rules that depend on nobody's
 * configuration are written once, at the start; a lease without an allow-list changes nothing.
 *
 * TCP is refused by a reset, as from the address that was asked for, so that nobody waits: an ICMP error would tell
 * the function an address of the worker's.
 */
import { type EgressRule, REFUSED_RANGES, SANDBOX_RESOLVER } from "../../contract/index.ts";

export interface RulesetOptions {
  table: string;
  /** What every link's name in the worker's network namespace begins with. */
  linkPrefix: string;
  /** Where sandboxes have their addresses. */
  range: string;
  /** Address of the operator's resolver. */
  resolver: string;
  /** Refused beside REFUSED_RANGES. */
  deny: string[];
}

/** Connections of one sandbox at a time: what it opens fills a table that it shares with the whole machine. */
export const FLOWS_PER_SANDBOX = 1024;

/**
 * Connections outlive their sandbox in the machine's table by these. Seconds, instead of the kernel's 120 and, for
 * `established`, five days; a function runs for 15 minutes at most (LIMITS.timeoutMsMax).
 */
const TCP_TIMEOUTS = {
  syn_sent: 20,
  syn_recv: 20,
  established: 1000,
  unack: 60,
  retrans: 60,
  fin_wait: 10,
  close_wait: 10,
  last_ack: 10,
  time_wait: 10,
  close: 5,
};
const UDP_TIMEOUTS = { unreplied: 10, replied: 60 };

const policyText = (timeouts: Record<string, number>) =>
  Object.entries(timeouts)
    .map(([state, seconds]) => `${state} : ${seconds}`)
    .join(", ");

const DNS = "meta l4proto { tcp, udp } th dport 53";

/** Replaces what an earlier worker of the instance left, in the same transaction. The owner: nft-session.ts. */
export function ruleset({ table, linkPrefix, range, resolver, deny }: RulesetOptions): string {
  const links = `"${linkPrefix}*"`;
  const refused = [...Object.keys(REFUSED_RANGES), range, ...deny].join(", ");
  return `add table inet ${table}
delete table inet ${table}
table inet ${table} {
  flags owner
  set refused {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { ${refused} }
  }
  set flows {
    type ipv4_addr
    size 65535
    flags dynamic
  }
  map allow_lists {
    type ifname : verdict
  }
  ct timeout short_tcp {
    protocol tcp
    l3proto ip
    policy = { ${policyText(TCP_TIMEOUTS)} }
  }
  ct timeout short_udp {
    protocol udp
    l3proto ip
    policy = { ${policyText(UDP_TIMEOUTS)} }
  }
  chain antispoof {
    type filter hook prerouting priority raw; policy accept;
    iifname ${links} meta nfproto ipv6 drop
    iifname ${links} fib saddr . iif oif missing drop
  }
  chain resolver {
    type nat hook prerouting priority dstnat; policy accept;
    iifname ${links} ip daddr ${SANDBOX_RESOLVER} ${DNS} dnat ip to ${resolver}
  }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    drop
  }
  chain to_host {
    ip daddr ${resolver} ${DNS} ct status dnat accept
    goto refuse
  }
  chain from_sandbox {
    oifname ${links} goto refuse
    ct state { invalid, untracked } drop
    ct state new add @flows { ip saddr ct count over ${FLOWS_PER_SANDBOX} } goto refuse
    ct state new meta l4proto tcp ct timeout set "short_tcp"
    ct state new meta l4proto udp ct timeout set "short_udp"
    ip daddr ${resolver} ${DNS} ct status dnat accept
    ip daddr @refused goto refuse
    meta l4proto != { tcp, udp } drop
    iifname vmap @allow_lists
    accept
  }
  chain to_sandbox {
    ct state { established, related } accept
    drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname ${links} goto to_host
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname ${links} goto from_sandbox
    oifname ${links} goto to_sandbox
  }
  chain leave {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${range} oifname != ${links} masquerade
  }
}
`;
}

type Ports = [first: number, last: number];

/** Sorted and without overlaps, which nftables does not take in a set. */
export function mergePorts(ports: (number | string)[]): Ports[] {
  const ranges = ports
    .map((port): Ports => {
      const [first = 0, last = first] = String(port).split("-").map(Number);
      return [first, last];
    })
    .sort(([a], [b]) => a - b);
  const merged: Ports[] = [];
  for (const [first, last] of ranges) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

function ruleText({ cidr, ports, protocol }: EgressRule): string {
  const protocols = `meta l4proto ${protocol ?? "{ tcp, udp }"}`;
  const list = ports && mergePorts(ports).map(([first, last]) => `${first}-${last}`);
  return `ip daddr ${cidr} ${protocols}${list ? ` th dport { ${list.join(", ")} }` : ""} accept`;
}

/** A function's allow-list for one link. `chain`: a name that no other link has. */
export function addAllowList(table: string, link: string, chain: string, rules: EgressRule[]): string {
  return [
    `add chain inet ${table} ${chain}`,
    ...rules.map((rule) => `add rule inet ${table} ${chain} ${ruleText(rule)}`),
    `add rule inet ${table} ${chain} goto refuse`,
    `add element inet ${table} allow_lists { "${link}" : goto ${chain} }`,
  ].join("\n");
}

export function removeAllowList(table: string, link: string, chain: string): string {
  return [
    `delete element inet ${table} allow_lists { "${link}" }`,
    `flush chain inet ${table} ${chain}`,
    `delete chain inet ${table} ${chain}`,
  ].join("\n");
}
