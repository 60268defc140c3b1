/**
 * Puts one invocation on the queue and waits for its reply, its deadlines, or its caller to go away. Every end is
 * a reply with a verdict; only what hinders the start is thrown.
 */
import type { InvocationJob, InvocationReply, Verdict } from "../../contract/index.ts";
import { LIMITS } from "../../contract/index.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { FunctionRecord } from "../registry/function-record.ts";
import type { Admission } from "./admission.ts";
import type { InvocationQueue } from "./invocation-queue.ts";
import type { ReplyInbox } from "./reply-inbox.ts";

/** A worker that takes the job at the last moment answers queue_timeout itself; this leaves it time to. */
const WITHDRAW_SLACK_MS = 250;

export interface InvokerLimits {
  queueTimeoutMs: number;
  replyGraceMs: number;
}

export class Invoker {
  readonly #queue: InvocationQueue;
  readonly #inbox: ReplyInbox;
  readonly #admission: Admission;
  readonly #logger: Logger;
  readonly #limits: InvokerLimits;

  constructor(
    parts: { queue: InvocationQueue; inbox: ReplyInbox; admission: Admission; logger: Logger },
    limits: InvokerLimits = LIMITS,
  ) {
    this.#queue = parts.queue;
    this.#inbox = parts.inbox;
    this.#admission = parts.admission;
    this.#logger = parts.logger;
    this.#limits = limits;
  }

  /** `event` is JSON text; `gone` aborts when the caller is gone. Errors: QUEUE_FULL, QUEUE_UNAVAILABLE. */
  async invoke(
    target: FunctionRecord,
    invocationId: string,
    event: string,
    gone: AbortSignal,
  ): Promise<InvocationReply> {
    const leave = await this.#admission.admit();
    const { queueTimeoutMs, replyGraceMs } = this.#limits;
    const job = this.#job(target, invocationId, event);
    const reply = this.#inbox.expect(invocationId);
    try {
      await this.#queue.add(job);
      let end = await firstOf(reply, queueTimeoutMs + WITHDRAW_SLACK_MS, gone);
      if (end === "late") {
        if (await this.#withdraw(invocationId)) return verdictReply(invocationId, "queue_timeout");
        end = await firstOf(reply, target.limits.timeoutMs + replyGraceMs - WITHDRAW_SLACK_MS, gone);
      }
      if (end === "late") return verdictReply(invocationId, "worker_lost");
      if (end === "gone") {
        const isWithdrawn = await this.#withdraw(invocationId);
        this.#logger.info({ invocationId, verdict: "cancelled", isWithdrawn }, "The caller went away");
        return verdictReply(invocationId, "cancelled");
      }
      return end;
    } finally {
      this.#inbox.forget(invocationId);
      leave();
    }
  }

  #job(target: FunctionRecord, invocationId: string, event: string): InvocationJob {
    const {
      runtime,
      handler,
      limits,
      environment,
      bundleDigest,
      layerDigests,
      volumes,
      writableRoot,
      network,
      egress,
    } = target;
    const enqueuedAtMs = Date.now();
    return {
      invocationId,
      gatewayId: this.#inbox.gatewayId,
      functionName: target.name,
      runtime,
      handler,
      limits,
      environment,
      network,
      ...(egress && { egress }),
      bundleDigest,
      layerDigests,
      volumes,
      writableRoot,
      event,
      enqueuedAtMs,
      startBeforeMs: enqueuedAtMs + this.#limits.queueTimeoutMs,
    };
  }

  /** A queue that is away decides nothing: then the invocation may have been started. */
  async #withdraw(invocationId: string): Promise<boolean> {
    try {
      return await this.#queue.withdraw(invocationId);
    } catch (error) {
      this.#logger.warn({ err: error, invocationId }, "An invocation cannot be taken off the queue");
      return false;
    }
  }
}

function verdictReply(invocationId: string, verdict: Verdict): InvocationReply {
  return { invocationId, verdict, timings: {} };
}

/** Leaves no timer and no listener, whoever comes first. */
async function firstOf(
  reply: Promise<InvocationReply>,
  waitMs: number,
  gone: AbortSignal,
): Promise<InvocationReply | "late" | "gone"> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise((resolve) => {
      onAbort = () => resolve("gone");
      if (gone.aborted) onAbort();
      gone.addEventListener("abort", onAbort);
      timer = setTimeout(() => resolve("late"), waitMs);
      void reply.then(resolve);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) gone.removeEventListener("abort", onAbort);
  }
}
