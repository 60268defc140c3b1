/**
 * Ends an invocation: first the answer leaves, then the sandbox goes, then the receipt is logged. consume.ts calls
 * it; the caller of the function never waits for a teardown.
 */
import type { Redis } from "ioredis";
import { encodeReply, type InvocationReply, type Receipt, replyList } from "../contract/index.ts";
import type { Sandbox, Teardown, Usage } from "../pool/sandbox.ts";
import { unixMs } from "../telemetry/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { inSpan, traceCarrier } from "../telemetry/tracing.ts";
import type { JudgedInvocation } from "./run-invocation.ts";
import { recordInvocation } from "./worker-metrics.ts";

/** A gateway takes replies at once; what a dead one left behind goes away by itself. */
const REPLY_TTL_S = 60;

export interface SettleTools {
  redis: Redis;
  logger: Logger;
}

/**
 * Resolves as soon as Redis has the reply. `teardown` resolves when nothing of the sandbox is left, and never
 * rejects; it has begun even if sending the reply failed.
 */
export async function settle(
  invocation: JudgedInvocation,
  tools: SettleTools,
): Promise<{ teardown: Promise<void> }> {
  try {
    const { job, reply } = invocation;
    await inSpan("settle", {}, () => {
      const trace = traceCarrier();
      return sendReply(tools.redis, job.gatewayId, { ...reply, sentAtMs: unixMs(), ...(trace && { trace }) });
    });
  } catch (error) {
    // The gateway will call the invocation lost; running it again would break "at most once".
    tools.logger.error(
      { err: error, invocationId: invocation.reply.invocationId },
      "a reply could not be sent",
    );
  }
  return { teardown: tearDown(invocation, tools.logger) };
}

/** One round trip: the reply on the gateway's list, and the list's expiry. */
export async function sendReply(redis: Redis, gatewayId: string, reply: InvocationReply): Promise<void> {
  const list = replyList(gatewayId);
  const results = await redis.pipeline().rpush(list, encodeReply(reply)).expire(list, REPLY_TTL_S).exec();
  for (const [error] of results ?? []) if (error) throw error;
}

async function tearDown(invocation: JudgedInvocation, logger: Logger): Promise<void> {
  try {
    const usage = usageOf(invocation, logger);
    recordInvocation(invocation, usage);
    const teardown = await takeDown(invocation.sandbox);
    if (teardown) logger.info(receiptOf(invocation, usage, teardown), "invocation settled");
    else logger.info(namesOf(invocation), "invocation settled without a sandbox");
  } finally {
    // Not before: until the sandbox is gone, its mounts hold the folders.
    invocation.bundle?.release();
    for (const layer of invocation.layers) layer.release();
  }
}

async function takeDown(sandbox: Sandbox | undefined): Promise<Teardown | undefined> {
  return sandbox && (await inSpan("teardown", {}, () => sandbox.destroy()));
}

function namesOf({
  job,
  reply,
}: JudgedInvocation): Pick<Receipt, "invocationId" | "functionName" | "verdict"> {
  return { invocationId: job.invocationId, functionName: job.functionName, verdict: reply.verdict };
}

/** Counters that cannot be read hinder no teardown. */
function usageOf({ spent, reply }: JudgedInvocation, logger: Logger): Usage | undefined {
  try {
    return spent?.usage();
  } catch (error) {
    logger.warn({ err: error, invocationId: reply.invocationId }, "what an invocation used cannot be read");
    return undefined;
  }
}

/** A sandbox that failed before its process ran has spent nothing that was counted. */
function receiptOf(invocation: JudgedInvocation, usage: Usage | undefined, teardown: Teardown): Receipt {
  const { log } = invocation.spent ?? {};
  const { autopsy } = invocation.reply.fault ?? {};
  return {
    ...namesOf(invocation),
    cpuUs: usage?.cpuUs ?? 0,
    throttledUs: usage?.throttledUs ?? 0,
    memoryPeakBytes: usage?.memoryPeakBytes ?? 0,
    oomKills: usage?.oomKills ?? 0,
    pidsLimitHits: usage?.pidsLimitHits ?? 0,
    ioReadBytes: usage?.ioReadBytes ?? 0,
    ioWrittenBytes: usage?.ioWrittenBytes ?? 0,
    ioReads: usage?.ioReads ?? 0,
    ioWrites: usage?.ioWrites ?? 0,
    logBytes: log?.totalBytes ?? 0,
    logDroppedBytes: log?.droppedBytes ?? 0,
    ...(autopsy && { autopsy }),
    ...teardown,
  };
}
