/** Pools and the decisions about their sizes as lines of text, for the command pool. */
import type { PoolDecision, PoolStatus } from "../contract/index.ts";
import { formatTable } from "./format-table.ts";

const HEADINGS = [
  "POOL",
  "PARKED",
  "TARGET",
  "RANGE",
  "STARTING",
  "LEASED",
  "WAITING",
  "RETIRED",
  "LEAKED",
  "WHY",
];
const RIGHT = new Set(["PARKED", "TARGET", "RANGE", "STARTING", "LEASED", "WAITING", "RETIRED", "LEAKED"]);

/** "nodejs24", "nodejs24 with egress", "report (prewarmed)". */
export function poolName({ runtime, network, functionName }: PoolStatus): string {
  if (functionName !== undefined) return `${functionName} (prewarmed)`;
  return network === "egress" ? `${runtime} with egress` : runtime;
}

export function poolTable(pools: PoolStatus[]): string {
  const rows = pools.map((pool) => [
    poolName(pool),
    `${pool.parked}`,
    `${pool.target}`,
    `${pool.floor}-${pool.ceiling}`,
    `${pool.starting}`,
    `${pool.leased}`,
    `${pool.waiting}`,
    `${pool.retired}`,
    `${pool.leaked}`,
    pool.decisions.at(-1)?.reason ?? "floor",
  ]);
  return formatTable(HEADINGS, rows, RIGHT);
}

/** "12:03:04  nodejs24  8 -> 21: rate (40.0/s x 25 ms + bursts of 20)". */
export function decisionLine(name: string, decision: PoolDecision): string {
  const { atMs, from, to, reason, ratePerSecond, refillMs, burst } = decision;
  const time = new Date(atMs).toTimeString().slice(0, 8);
  const basis = `${ratePerSecond.toFixed(1)}/s x ${refillMs.toFixed(0)} ms + bursts of ${burst}`;
  return `${time}  ${name}  ${from} -> ${to}: ${reason} (${basis})`;
}
