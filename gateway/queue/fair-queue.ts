/**
 * Who goes next: the invocations that workers have in hand (`out`, at most `width`) and those that wait for their turn,
 * in a list for each function. admission.ts is its only caller. It knows no clock, no Redis and no limits.
 *
 * Start-time fair queueing (Goyal, Vin, Cheng 1996): each function has a tag in virtual time that moves on by 1/weight
 * with each of its turns; the smallest tag goes next; virtual time is the tag that went last. A function that comes
 * back starts at virtual time, so idling saves up nothing, and its tag is kept until virtual time has passed it.
 *
 * Turns alone would let slow functions take nearly all of the width, since theirs end later. So a function that has its
 * share of the width in hand (by weight, among those that want any) goes only when no other waits that has less.
 */
import { append, emptyLane, type Lane, type Place, unlink } from "./lane.ts";

const NOTHING = { outCount: 0, waitingCount: 0, waitingBytes: 0 };
const SWEEP_AT = 1024;

export class FairQueue {
  readonly #functions = new Map<string, Lane>();
  /** Those with somebody waiting. */
  readonly #waiting = new Set<Lane>();
  #width: number;
  #virtualTime = 0;
  #outCount = 0;
  #waitingCount = 0;
  #waitingBytes = 0;
  /** Of functions with anything out or waiting. */
  #activeWeight = 0;
  #sweepAt = SWEEP_AT;

  constructor(width: number) {
    this.#width = width;
  }

  get hasRoom(): boolean {
    return this.#outCount < this.#width;
  }

  get outCount(): number {
    return this.#outCount;
  }

  get waitingCount(): number {
    return this.#waitingCount;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How many functions it remembers; for tests. */
  get functionCount(): number {
    return this.#functions.size;
  }

  /** What one function has. */
  of(name: string): {
    readonly outCount: number;
    readonly waitingCount: number;
    readonly waitingBytes: number;
  } {
    return this.#functions.get(name) ?? NOTHING;
  }

  get width(): number {
    return this.#width;
  }

  set width(width: number) {
    this.#width = width;
    this.#fill();
  }

  /** Out at once when there is room; else `begin` is called when its turn comes. Every place must be left. */
  enter(name: string, weight: number, bytes = 0, begin: () => void = () => {}): Place {
    const lane = this.#laneOf(name, weight);
    const place: Place = { lane, bytes, begin, state: "waiting", before: undefined, behind: undefined };
    if (this.hasRoom) {
      this.#send(place);
      return place;
    }
    if (lane.waitingCount === 0) lane.tag = Math.max(lane.tag, this.#virtualTime);
    append(place);
    this.#waiting.add(lane);
    this.#waitingCount += 1;
    this.#waitingBytes += bytes;
    return place;
  }

  /** Ended, or withdrawn before its turn. A second call does nothing. */
  leave(place: Place): void {
    const { lane, state } = place;
    if (state === "left") return;
    if (state === "waiting") this.#unlink(place);
    else {
      lane.outCount -= 1;
      this.#outCount -= 1;
    }
    place.state = "left";
    if (lane.outCount + lane.waitingCount === 0) this.#rest(lane);
    this.#fill();
  }

  #fill(): void {
    while (this.hasRoom) {
      const place = this.#next();
      if (!place) return;
      this.#unlink(place);
      this.#send(place);
      place.begin();
    }
  }

  /** Looks at every function that waits: a thousand cost some microseconds, 10,000 a tenth of a millisecond. */
  #next(): Place | undefined {
    let best: Lane | undefined;
    let isBestOver = true;
    for (const lane of this.#waiting) {
      const isOver = lane.outCount >= this.#shareOf(lane);
      if (!best || (isOver === isBestOver ? lane.tag < best.tag : isBestOver)) {
        best = lane;
        isBestOver = isOver;
      }
    }
    return best?.first;
  }

  /** Rounded up, so that shares together use the whole width and nobody's is 0. */
  #shareOf(lane: Lane): number {
    return Math.ceil((this.#width * lane.weight) / this.#activeWeight);
  }

  #send(place: Place): void {
    const { lane } = place;
    this.#virtualTime = Math.max(lane.tag, this.#virtualTime);
    lane.tag = this.#virtualTime + 1 / lane.weight;
    lane.outCount += 1;
    this.#outCount += 1;
    place.state = "out";
  }

  #unlink(place: Place): void {
    const { lane } = place;
    unlink(place);
    this.#waitingCount -= 1;
    this.#waitingBytes -= place.bytes;
    if (lane.waitingCount === 0) this.#waiting.delete(lane);
  }

  #laneOf(name: string, weight: number): Lane {
    let lane = this.#functions.get(name);
    if (!lane) {
      lane = emptyLane(name, weight);
      this.#functions.set(name, lane);
    }
    const isActive = lane.outCount + lane.waitingCount > 0;
    // A function that was deployed again may have another weight.
    this.#activeWeight += isActive ? weight - lane.weight : weight;
    lane.weight = weight;
    return lane;
  }

  /** The function has nothing here any more; what it owes is remembered until virtual time has caught up. */
  #rest(lane: Lane): void {
    this.#activeWeight -= lane.weight;
    if (this.#outCount + this.#waitingCount === 0) {
      this.#functions.clear();
      this.#virtualTime = 0;
      this.#activeWeight = 0;
    } else if (lane.tag <= this.#virtualTime) this.#functions.delete(lane.name);
    if (this.#functions.size >= this.#sweepAt) this.#sweep();
  }

  /** So that the memory of functions that are called now and then does not grow while others keep the queue busy. */
  #sweep(): void {
    for (const [name, lane] of this.#functions)
      if (lane.outCount + lane.waitingCount === 0 && lane.tag <= this.#virtualTime)
        this.#functions.delete(name);
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#functions.size);
  }
}
