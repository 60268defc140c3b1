/**
 * The gateway's door to the queue: who is let in, who is refused at once, and, through the fair queue, whose turn it is.
 * invoker.ts calls it; nothing here waits or asks Redis. The counts are exact because one gateway serves a data folder.
 *
 * Of what waits, one function may have as much as is free (a dynamic threshold, as switches share their buffers:
 * Choudhury and Hahne 1998). One flood alone takes half, n of them 1/(n+1) each, and another function always gets in.
 */
import { LIMITS, MayflyError } from "../../contract/index.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Place } from "./lane.ts";

export interface AdmissionLimits {
  queueLength: number;
  queueBytes: number;
}

export interface Candidate {
  name: string;
  weight: number;
  maxConcurrency?: number | undefined;
}

export class Admission {
  readonly #queue: FairQueue;
  readonly #limits: AdmissionLimits;

  /** `width`: how many may be out at workers until setWidth() says another number. */
  constructor(width: number, limits: AdmissionLimits = LIMITS) {
    this.#queue = new FairQueue(width);
    this.#limits = limits;
  }

  /** How many wait here for their turn. */
  get waitingCount(): number {
    return this.#queue.waitingCount;
  }

  /** How many have had their turn and have not ended. */
  get outCount(): number {
    return this.#queue.outCount;
  }

  get waitingBytes(): number {
    return this.#queue.waitingBytes;
  }

  get width(): number {
    return this.#queue.width;
  }

  setWidth(width: number): void {
    this.#queue.width = width;
  }

  /**
   * `event` is what has to be kept while it waits. The place is `out` at once, or its `begin` is called in its turn;
   * in either case it must be left. Errors: CONCURRENCY_LIMIT, QUEUE_FULL, QUEUE_SHARE_FULL.
   */
  admit({ name, weight, maxConcurrency }: Candidate, event: string): Place {
    const own = this.#queue.of(name);
    if (maxConcurrency !== undefined && own.outCount + own.waitingCount >= maxConcurrency)
      throw new MayflyError("CONCURRENCY_LIMIT", {
        message: `Cannot invoke "${name}": ${maxConcurrency} of its invocations are under way, which is its maxConcurrency`,
      });
    if (this.#queue.hasRoom) return this.#queue.enter(name, weight);
    const bytes = Buffer.byteLength(event);
    this.#assertFits(name, bytes);
    return this.#queue.enter(name, weight, bytes);
  }

  leave(place: Place): void {
    this.#queue.leave(place);
  }

  #assertFits(name: string, bytes: number): void {
    const { queueLength, queueBytes } = this.#limits;
    const { waitingCount, waitingBytes } = this.#queue;
    const freePlaces = queueLength - waitingCount;
    const freeBytes = queueBytes - waitingBytes;
    if (freePlaces < 1 || freeBytes < bytes)
      throw new MayflyError("QUEUE_FULL", {
        message: `Cannot queue the invocation: ${waitingCount} are waiting already, with ${waitingBytes} bytes of events`,
      });

    const own = this.#queue.of(name);
    if (own.waitingCount >= freePlaces)
      throw new MayflyError("QUEUE_SHARE_FULL", {
        message:
          `Cannot queue the invocation: "${name}" has ${own.waitingCount} waiting already and ${freePlaces} of ${queueLength} ` +
          "places are free. A function may have no more waiting than are free, so that others still get in",
      });
    if (own.waitingBytes + bytes > freeBytes)
      throw new MayflyError("QUEUE_SHARE_FULL", {
        message:
          `Cannot queue the invocation: "${name}" has ${own.waitingBytes} bytes of events waiting already and ${freeBytes} of ` +
          `${queueBytes} are free. A function may have no more waiting than are free, so that others still get in`,
      });
  }
}
