/**
 * The story of one invocation in the worker: not too late? → bundle → sandbox → event → verdict. consume.ts calls
 * it; what it returns goes to settle.ts, which sends the reply and only then takes the sandbox down.
 */
import {
  type InvocationJob,
  type InvocationReply,
  type InvocationTimings,
  LIMITS,
  MayflyError,
  type Verdict,
} from "../contract/index.ts";
import type { Outcome, Sandbox, SandboxLog, SandboxPool, Usage } from "../pool/sandbox.ts";
import { unixMs } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inSpan, traceCarrier } from "../telemetry/tracing.ts";
import type { BundleCache, OpenBundle } from "./bundle-cache.ts";
import type { CodeStore } from "./code-store.ts";
import { judgeOutcome } from "./judge-outcome.ts";
import { leaseOf } from "./lease-of.ts";
import type { Volume } from "./parse-volumes.ts";
import type { Prewarmer } from "./prewarmer.ts";

export interface InvocationTools {
  pool: SandboxPool;
  bundles: BundleCache;
  /** The operator's, by name. */
  volumes: Map<string, Volume>;
  /** Absent: no function is prewarmed. */
  prewarmer?: Pick<Prewarmer, "take">;
  /** Absent: no code is kept compiled. */
  codes?: Pick<CodeStore, "folderOf">;
  logger: Logger;
}

/** An invocation with its verdict, whose sandbox still stands. */
export interface JudgedInvocation {
  job: InvocationJob;
  reply: InvocationReply;
  /** What was taken for it and must be given back, whatever the verdict. */
  sandbox?: Sandbox;
  bundle?: OpenBundle;
  layers: OpenBundle[];
  /** Only when the sandbox's process ran. */
  spent?: { /** Before the teardown. */ usage: () => Usage; log: SandboxLog };
}

type Taken = Pick<JudgedInvocation, "sandbox" | "bundle" | "layers">;

/** Never rejects: what goes wrong becomes a verdict. */
export async function runInvocation(job: InvocationJob, tools: InvocationTools): Promise<JudgedInvocation> {
  const timings: InvocationTimings = { queueMs: Math.max(0, unixMs() - job.enqueuedAtMs) };
  const taken: Taken = { layers: [] };
  const judged = (reply: Omit<InvocationReply, "invocationId" | "timings">): JudgedInvocation => ({
    job,
    reply: { invocationId: job.invocationId, timings, ...reply },
    ...taken,
  });

  try {
    if (Date.now() > job.startBeforeMs) return judged({ verdict: "queue_timeout" });

    const sandbox = await leaseSandbox(job, tools, taken, timings);
    const outcome = await inSpan("invoke", {}, () => invoke(sandbox, job));
    // The worker is stopping and did not wait for it any longer.
    if (sandbox.state === "destroyed") return judged({ verdict: "worker_lost" });
    if (outcome.kind === "answer") {
      const { initMs, runMs } = outcome.header;
      if (initMs !== undefined) timings.initMs = initMs;
      if (runMs !== undefined) timings.runMs = runMs;
    }

    let read: Usage | undefined;
    const usage = () => {
      read ??= sandbox.usage();
      return read;
    };
    const spent = { usage, log: sandbox.log() };
    const logTail = tailOf(spent.log.text);
    const reply = { ...(await judgeOutcome(outcome, usage, job.limits)), ...(logTail && { logTail }) };
    return { ...judged(reply), spent };
  } catch (error) {
    const verdict = verdictOfFailure(error);
    tools.logger.error(
      { err: error, invocationId: job.invocationId, verdict },
      "an invocation could not be carried out",
    );
    return judged({ verdict, fault: faultOfFailure(error) });
  }
}

/** The function's own spans are children of the one around this. */
async function invoke(sandbox: Sandbox, job: InvocationJob): Promise<Outcome> {
  const trace = traceCarrier() ?? job.trace;
  const { timeoutMs } = job.limits;
  return await sandbox.run(
    {
      type: "event",
      invocationId: job.invocationId,
      deadlineMs: Date.now() + timeoutMs,
      ...(trace && { trace }),
    },
    Buffer.from(job.event),
    timeoutMs,
  );
}

/** One that has loaded the function already, or else one to load it. What is taken is the caller's to give back. */
async function leaseSandbox(
  job: InvocationJob,
  { pool, bundles, volumes, prewarmer, codes }: InvocationTools,
  taken: Taken,
  timings: InvocationTimings,
): Promise<Sandbox> {
  const askedAt = performance.now();
  const prewarmed = prewarmer?.take(job);
  if (prewarmed !== undefined) {
    taken.sandbox = prewarmed;
    timings.leaseMs = performance.now() - askedAt;
    return prewarmed;
  }
  const lease = leaseOf(job, volumes);
  const bundleFolder = await inSpan("open bundle", {}, async () => {
    taken.bundle = await bundles.open(job.bundleDigest);
    for (const digest of job.layerDigests) taken.layers.push(await bundles.open(digest));
    return taken.bundle.folder;
  });
  const layerFolders = taken.layers.map((layer) => layer.folder);
  const leaseAt = performance.now();
  const waitMs = Math.max(1, job.startBeforeMs - Date.now());
  const sandbox = await inSpan("lease", {}, () => pool.acquire(job.runtime, waitMs, job.network));
  taken.sandbox = sandbox;
  await sandbox.prepare({ ...lease, bundleFolder, codeFolder: codes?.folderOf(job), layerFolders });
  timings.leaseMs = performance.now() - leaseAt;
  return sandbox;
}

function verdictOfFailure(error: unknown): Verdict {
  if (!(error instanceof MayflyError)) return "internal";
  if (error.code === "LEASE_TIMEOUT") return "queue_timeout";
  if (error.code === "EGRESS_UNAVAILABLE" || error.code === "RUNTIME_UNAVAILABLE") return "unavailable";
  if (error.code === "POOL_CLOSED") return "worker_lost";
  return "internal";
}

/** A MayflyError's message is written for people and holds no secrets; of others nothing is known. */
function faultOfFailure(error: unknown): { type: string; message: string } {
  if (error instanceof MayflyError) return { type: error.code, message: error.message };
  return { type: "INTERNAL", message: "Mayfly failed; its log says why" };
}

/** The last LIMITS.logTailBytes, starting at a whole character. */
function tailOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= LIMITS.logTailBytes) return text;
  let start = bytes.length - LIMITS.logTailBytes;
  // A byte 10xxxxxx continues a UTF-8 character.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString("utf8", start);
}
