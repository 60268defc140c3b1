/**
 * What a function may reach outside its sandbox. The gateway refuses entries that could never work; the worker's
 * firewall (pool/egress/ruleset.ts) enforces both lists.
 */
import { z } from "zod";
import { contains, ipv4Cidr, parseCidr } from "./ipv4.ts";

/** `none`: a loopback interface of its own. `egress`: also the public Internet over IPv4, or an allow-list of it. */
export const NETWORKS = ["none", "egress"] as const;
export type Network = (typeof NETWORKS)[number];

/**
 * The name server that every sandbox's /etc/resolv.conf names. It exists nowhere: the worker's firewall sends what
 * egress sandboxes ask it to the operator's resolver.
 */
export const SANDBOX_RESOLVER = "169.254.53.53";

/**
 * Never reached, whatever an allow-list says: IANA's special-purpose registry (RFC 6890) except what is globally
 * reachable, multicast, and cloud metadata services that have a public address.
 */
export const REFUSED_RANGES: Readonly<Record<string, string>> = {
  "0.0.0.0/8": "this network",
  "10.0.0.0/8": "private",
  "100.64.0.0/10": "shared by carriers",
  "127.0.0.0/8": "loopback",
  "168.63.129.16/32": "Azure's host service",
  "169.254.0.0/16": "link-local, metadata services included",
  "172.16.0.0/12": "private",
  "192.0.0.0/24": "protocol assignments",
  "192.0.2.0/24": "documentation",
  "192.88.99.0/24": "6to4 relays",
  "192.168.0.0/16": "private",
  "198.18.0.0/15": "benchmarking",
  "198.51.100.0/24": "documentation",
  "203.0.113.0/24": "documentation",
  "224.0.0.0/4": "multicast",
  "240.0.0.0/4": "reserved",
};

const RULES_MAX = 64;
const PORTS_MAX = 32;

/** Why a range is refused; undefined when some of it may be reached. */
export function whyRefused(cidr: string): string | undefined {
  const range = parseCidr(cidr);
  return Object.entries(REFUSED_RANGES).find(([refused]) => {
    const outer = parseCidr(refused);
    return range !== undefined && outer !== undefined && contains(outer, range);
  })?.[1];
}

const port = z.number().int().min(1).max(65_535);
const portRange = z
  .string()
  .regex(/^[1-9]\d{0,4}-[1-9]\d{0,4}$/, 'must look like "8000-8100"')
  .refine((text) => {
    const [first = 0, last = 0] = text.split("-").map(Number);
    return first <= last && last <= 65_535;
  }, "must not run backwards or past 65535");

/** One way out: TCP and UDP, or one of them, to an address range, to all its ports or to some. */
export const egressRule = z.strictObject({
  cidr: ipv4Cidr.superRefine((cidr, context) => {
    const why = whyRefused(cidr);
    if (why !== undefined)
      context.addIssue({ code: "custom", message: `is never reached from a sandbox: it is ${why}` });
  }),
  ports: z
    .array(z.union([port, portRange]))
    .min(1)
    .max(PORTS_MAX)
    .optional(),
  protocol: z.enum(["tcp", "udp"]).optional(),
});
export type EgressRule = z.output<typeof egressRule>;

/** `allow`: all that may be reached besides the resolver. An empty list: names can be looked up, nothing more. */
export const egressPolicy = z.strictObject({ allow: z.array(egressRule).max(RULES_MAX) });
export type EgressPolicy = z.output<typeof egressPolicy>;
