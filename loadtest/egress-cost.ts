/**
 * What network egress costs: a link's attach and detach, and a lease's prepare() and destroy() without egress, with it,
 * and with an allow-list. In a network namespace of its own, as root: `node loadtest/egress-cost.ts [count]`, after
 * `npm run setup`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { functionLimits, type Network } from "../contract/index.ts";
import { createPool } from "../pool/create-pool.ts";
import { EgressNetwork } from "../pool/egress/egress-network.ts";
import type { Lease } from "../pool/sandbox.ts";
import { percentile } from "./percentile.ts";

/** Tight loops hide what the kernel does a grace period later. */
const PAUSE_MS = 20;
const INSIDE = "MAYFLY_EGRESS_COST_INSIDE";

if (process.env[INSIDE] === undefined) {
  const args = ["--net", process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const { status } = spawnSync("unshare", args, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
  process.exit(status ?? 1);
}

const count = Number(process.argv[2] ?? 60);
const times = new Map<string, number[]>();
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  times.set(what, [...(times.get(what) ?? []), performance.now() - startedAt]);
  return result;
}

const logger = pino({ level: "warn" });
const egress = { range: "100.64.128.0/24", resolver: "192.0.2.53", deny: [] };
const policy = {
  allow: [1, 2, 3, 4].map((last) => ({
    cidr: `8.8.8.${last}`,
    ports: [443, 8080],
    protocol: "tcp" as const,
  })),
};
spawnSync("ip", ["link", "set", "lo", "up"]);
writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");

const network = await EgressNetwork.open({ ...egress, instance: `cost-${process.pid}`, logger });
for (let i = 0; i < count; i++) {
  const set = spawn("unshare", ["--net", "sh", "-c", "echo ready; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(set.stdout, "data");
  const link = await timed("link attached", () => network.attach(set.pid ?? 0));
  if (i % 2 === 0) await timed("allow-list of 4 written", () => link.allow(policy));
  set.stdin.end();
  await once(set, "exit");
  const what = i % 2 === 0 ? "link and allow-list removed" : "link removed";
  await timed(what, () => link.detach());
}
await network.close();

const pool = await createPool({
  instance: `cost-${process.pid}`,
  targets: { nodejs24: 1 },
  maxSandboxes: 8,
  egress: { ...egress, target: 1 },
  logger,
  onLost: (runtime) => logger.error(`the spawner of ${runtime} was lost`),
});
const lease: Lease = {
  functionName: "none",
  handler: "index.handler",
  limits: functionLimits.parse({}),
  bundleFolder: fileURLToPath(new URL(".", import.meta.url)),
};
const kinds: [string, Network, Lease][] = [
  ["network none", "none", lease],
  ["egress", "egress", lease],
  ["egress, allow-list of 4", "egress", { ...lease, egress: policy }],
];
for (let i = 0; i < count; i++) {
  for (const [kind, of, how] of kinds) {
    const sandbox = await pool.acquire("nodejs24", 10_000, of);
    await pause(PAUSE_MS);
    await timed(`prepare(), ${kind}`, () => sandbox.prepare(how));
    await timed(`destroy(), ${kind}`, () => sandbox.destroy());
    await pause(PAUSE_MS);
  }
}
await pool.close();

console.log(`${"ms".padEnd(36)}p50     p95`);
for (const [what, all] of times) {
  const sorted = all.sort((a, b) => a - b);
  const [p50, p95] = [0.5, 0.95].map((share) => percentile(sorted, share).toFixed(2).padStart(6));
  console.log(`${what.padEnd(34)}${p50}  ${p95}`);
}
