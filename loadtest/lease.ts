/**
 * Where the time of an invocation goes from the lease to the answer: a hello function, one fresh sandbox after the other
 * with a pause between, from a warm pool, as root. `node loadtest/lease.ts [count]`, after `npm run setup`. phases.ts does
 * the same for the making of sandboxes, which no invocation waits for.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { functionLimits } from "../contract/index.ts";
import { createPool } from "../pool/create-pool.ts";
import { percentile } from "./percentile.ts";

/** Tight loops hide what the kernel does a grace period later. */
const PAUSE_MS = 40;
const INVOCATION_ID = "0190b1c0-0000-7000-8000-000000000001";

const count = Number(process.argv[2] ?? 200);
const phases = new Map<string, number[]>();

function note(phase: string, value: number): void {
  const values = phases.get(phase) ?? [];
  values.push(value);
  phases.set(phase, values);
}

/** Of the process, since it began: /proc/<pid>/stat, the tenth field. */
function minorFaults(pid: number): number {
  const [, rest = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  return Number(rest.split(" ")[7]);
}

const folder = mkdtempSync(join(tmpdir(), "mayfly-lease-"));
writeFileSync(join(folder, "index.mjs"), "export const handler = (event) => ({ hello: event.name });");
chmodSync(folder, 0o755);
const pool = await createPool({
  instance: `lease-${process.pid}`,
  targets: { nodejs24: 8 },
  maxSandboxes: 32,
  logger: pino({ level: "silent" }),
  onLost: () => process.exit(1),
});
const limits = functionLimits.parse({ memoryMb: 128 });

for (let i = 0; i < count; i++) {
  await pause(PAUSE_MS);
  const parked = pool.inspect().find(({ state }) => state === "parked");
  const start = performance.now();
  const sandbox = await pool.acquire("nodejs24", 10_000);
  await sandbox.prepare({ functionName: "hello", handler: "index.handler", limits, bundleFolder: folder });
  const prepared = performance.now();
  const main = sandbox.id === parked?.id ? parked.pids[1] : undefined;
  const faults = main === undefined ? 0 : minorFaults(main);
  const sent = performance.now();
  const outcome = await sandbox.run(
    {
      type: "event",
      invocationId: INVOCATION_ID,
      deadlineMs: Date.now() + limits.timeoutMs,
    },
    Buffer.from('{"name":"you"}'),
    limits.timeoutMs,
  );
  const answered = performance.now();
  if (outcome.kind !== "answer" || outcome.header.status !== "ok") throw new Error(JSON.stringify(outcome));
  note("lease to answer, ms", prepared - start + (answered - sent));
  note("  limits and mounts, ms", prepared - start);
  note("  event to answer, ms", answered - sent);
  note("    its module loaded, ms", outcome.header.initMs ?? 0);
  note("    its handler, ms", outcome.header.runMs ?? 0);
  if (main !== undefined) {
    note("page faults until parked", faults);
    note("page faults for the event", minorFaults(main) - faults);
  }
  note("CPU of its processes, ms", sandbox.usage().cpuUs / 1000);
  const answerAt = performance.now();
  await sandbox.destroy();
  note("teardown, ms", performance.now() - answerAt);
}
await pool.close();
rmSync(folder, { recursive: true });

console.log(`${"phase".padEnd(28)} ${"p50".padStart(9)} ${"p99".padStart(9)}`);
for (const [phase, values] of phases) {
  values.sort((a, b) => a - b);
  const at = (share: number) => percentile(values, share).toFixed(2).padStart(9);
  console.log(`${phase.padEnd(28)} ${at(0.5)} ${at(0.99)}`);
}
