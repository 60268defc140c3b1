/** One function in the fair queue (fair-queue.ts), and the places of its invocations there. */

/** One invocation's place, from enter() to leave(). */
export interface Place {
  readonly lane: Lane;
  readonly bytes: number;
  /** Called when its turn comes; may be set until then. */
  begin: () => void;
  state: "waiting" | "out" | "left";
  before: Place | undefined;
  behind: Place | undefined;
}

/** A doubly linked list of those that wait, so that withdrawing from its middle is as cheap as taking its first. */
export interface Lane {
  readonly name: string;
  weight: number;
  /** The virtual time at which its next turn starts. */
  tag: number;
  outCount: number;
  waitingCount: number;
  waitingBytes: number;
  first: Place | undefined;
  last: Place | undefined;
}

export function emptyLane(name: string, weight: number): Lane {
  const counts = { outCount: 0, waitingCount: 0, waitingBytes: 0 };
  return { name, weight, tag: 0, ...counts, first: undefined, last: undefined };
}

/** Behind those that wait already. */
export function append(place: Place): void {
  const { lane } = place;
  place.before = lane.last;
  if (lane.last) lane.last.behind = place;
  else lane.first = place;
  lane.last = place;
  lane.waitingCount += 1;
  lane.waitingBytes += place.bytes;
}

/** From wherever it waits. */
export function unlink(place: Place): void {
  const { lane, before, behind } = place;
  if (before) before.behind = behind;
  else lane.first = behind;
  if (behind) behind.before = before;
  else lane.last = before;
  place.before = undefined;
  place.behind = undefined;
  lane.waitingCount -= 1;
  lane.waitingBytes -= place.bytes;
}
