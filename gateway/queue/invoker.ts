/**
 * Waits for one invocation's turn, puts it on the queue and waits for its reply, its deadlines, or its caller to go
 * away. Every end is a reply with a verdict; only what hinders the start is thrown.
 */
import {
  INVOCATION_QUEUE,
  type InvocationJob,
  type InvocationReply,
  LIMITS,
  type TraceContext,
  type Verdict,
} from "../../contract/index.ts";
import { unixMs } from "../../telemetry/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { inSpan, SpanKind, traceCarrier } from "../../telemetry/tracing.ts";
import type { FunctionRecord } from "../registry/function-record.ts";
import type { Admission } from "./admission.ts";
import type { InvocationQueue } from "./invocation-queue.ts";
import type { Place } from "./lane.ts";
import type { ReplyInbox } from "./reply-inbox.ts";

/** A worker that takes the job at the last moment answers queue_timeout itself; this leaves it time to. */
const WITHDRAW_SLACK_MS = 250;

export interface InvokerLimits {
  queueTimeoutMs: number;
  replyGraceMs: number;
}

/** What one call brings with it. */
export interface Call {
  invocationId: string;
  /** JSON text. */
  event: string;
  /** Aborts when the caller is gone. */
  gone: AbortSignal;
  /** The caller's own, if it sent one. */
  trace: TraceContext | undefined;
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

  /** Errors: CONCURRENCY_LIMIT, QUEUE_FULL, QUEUE_SHARE_FULL, QUEUE_UNAVAILABLE. */
  async invoke(target: FunctionRecord, call: Call): Promise<InvocationReply> {
    const { invocationId, event, gone } = call;
    this.#queue.assertReady();
    const arrivedAtMs = unixMs();
    const place = this.#admission.admit(target, event);
    let mayStillRun = false;
    try {
      if (place.state === "waiting") {
        const turn = () => firstOf(untilTurn(place), this.#limits.queueTimeoutMs, gone);
        const end = await inSpan("wait for turn", {}, turn);
        if (end === "late") return verdictReply(invocationId, "queue_timeout");
        if (end === "gone") return this.#cancelled(invocationId, true);
      }
      const reply = this.#inbox.expect(invocationId);
      await this.#send(target, call, arrivedAtMs);
      const { withdrawAtMs, lostAtMs } = this.#deadlines(target, arrivedAtMs);
      let end = await firstOf(reply, withdrawAtMs - Date.now(), gone);
      if (end === "late") {
        if (await this.#withdraw(invocationId)) return verdictReply(invocationId, "queue_timeout");
        end = await firstOf(reply, lostAtMs - Date.now(), gone);
      }
      if (end === "late") return verdictReply(invocationId, "worker_lost");
      if (end !== "gone") return end;

      const isWithdrawn = await this.#withdraw(invocationId);
      if (!isWithdrawn) {
        mayStillRun = true;
        void this.#holdPlace(place, invocationId, reply, lostAtMs - Date.now());
      }
      return this.#cancelled(invocationId, isWithdrawn);
    } finally {
      if (!mayStillRun) this.#release(place, invocationId);
    }
  }

  /** The worker's spans are children of this one. */
  #send(target: FunctionRecord, call: Call, arrivedAtMs: number): Promise<void> {
    const attributes = {
      "messaging.system": "bullmq",
      "messaging.operation.name": "add",
      "messaging.operation.type": "send",
      "messaging.destination.name": INVOCATION_QUEUE,
      "messaging.message.id": call.invocationId,
    };
    return inSpan(`send ${INVOCATION_QUEUE}`, { kind: SpanKind.PRODUCER, attributes }, () =>
      this.#queue.add(this.#job(target, call, arrivedAtMs)),
    );
  }

  /** Nobody waits for the answer any more, but until it comes the invocation takes room at a worker. */
  async #holdPlace(place: Place, invocationId: string, reply: Promise<InvocationReply>, waitMs: number) {
    await firstOf(reply, waitMs);
    this.#release(place, invocationId);
  }

  #release(place: Place, invocationId: string): void {
    this.#inbox.forget(invocationId);
    this.#admission.leave(place);
  }

  #cancelled(invocationId: string, isWithdrawn: boolean): InvocationReply {
    this.#logger.info({ invocationId, verdict: "cancelled", isWithdrawn }, "The caller went away");
    return verdictReply(invocationId, "cancelled");
  }

  /** Both count from the arrival, however long the turn took to come. */
  #deadlines({ limits }: FunctionRecord, arrivedAtMs: number): { withdrawAtMs: number; lostAtMs: number } {
    const { queueTimeoutMs, replyGraceMs } = this.#limits;
    const startedBeforeMs = arrivedAtMs + queueTimeoutMs;
    return {
      withdrawAtMs: startedBeforeMs + WITHDRAW_SLACK_MS,
      lostAtMs: startedBeforeMs + limits.timeoutMs + replyGraceMs,
    };
  }

  #job(target: FunctionRecord, { invocationId, event, trace }: Call, enqueuedAtMs: number): InvocationJob {
    const ownTrace = traceCarrier() ?? trace;
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
      sentAtMs: unixMs(),
      ...(ownTrace && { trace: ownTrace }),
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

/** Only who has to wait pays for a promise. */
function untilTurn(place: Place): Promise<void> {
  return new Promise((resolve) => {
    place.begin = resolve;
  });
}

function verdictReply(invocationId: string, verdict: Verdict): InvocationReply {
  return { invocationId, verdict, timings: {} };
}

/** Leaves no timer and no listener, whoever comes first. */
async function firstOf<T>(
  awaited: Promise<T>,
  waitMs: number,
  gone?: AbortSignal,
): Promise<T | "late" | "gone"> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise((resolve) => {
      onAbort = () => resolve("gone");
      if (gone?.aborted) onAbort();
      gone?.addEventListener("abort", onAbort);
      timer = setTimeout(() => resolve("late"), waitMs);
      void awaited.then(resolve);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort) gone?.removeEventListener("abort", onAbort);
  }
}
