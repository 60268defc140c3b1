import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Admission } from "./admission.ts";
import type { Place } from "./lane.ts";

const f = (name: string, more: { weight?: number; maxConcurrency?: number } = {}) => ({
  name,
  weight: 1,
  ...more,
});
const LIMITS = { queueLength: 10, queueBytes: 1000 };

/** What admit() does for one more: the code that it refuses with, or none. */
function tryOne(admission: Admission, candidate: Parameters<Admission["admit"]>[0], event = "1") {
  try {
    return { place: admission.admit(candidate, event) };
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
}

describe("Admission, of the queue", () => {
  it("lets one function alone have half of the places", () => {
    const admission = new Admission(1, LIMITS);
    const answers = Array.from({ length: 20 }, () => tryOne(admission, f("a")).code);
    // One is out; of the ten places it has five when five are free.
    expect(answers.slice(0, 6)).toEqual(Array(6).fill(undefined));
    expect(new Set(answers.slice(6))).toEqual(new Set(["QUEUE_SHARE_FULL"]));
    expect(tryOne(admission, f("a")).message).toContain(
      '"a" has 5 waiting already and 5 of 10 places are free',
    );
  });

  it("still lets another function in, and refuses all when no place is free", () => {
    const admission = new Admission(1, LIMITS);
    for (let n = 0; n < 20; n += 1) tryOne(admission, f("a"));
    const codes = ["b", "c", "d", "e", "g", "h"].map((name) => tryOne(admission, f(name)).code);
    expect(codes).toEqual([undefined, undefined, undefined, undefined, undefined, "QUEUE_FULL"]);
    expect(admission.waitingCount).toBe(10);
  });

  it("always has a place for a function without any, while fewer functions than places wait", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 100 }), (names) => {
        const admission = new Admission(1, { queueLength: 64, queueBytes: 1e6 });
        for (const name of names) tryOne(admission, f(name));
        expect(tryOne(admission, f("newcomer")).code).toBeUndefined();
      }),
    );
  });

  it("counts the bytes of events in the same way", () => {
    const admission = new Admission(1, LIMITS);
    admission.admit(f("a"), "");
    const event = "é".repeat(150);
    const codeOf = (name: string) => tryOne(admission, f(name), event).code;
    // 300 bytes each: two are 600 of 1000, a third would leave less free than the function has.
    expect([codeOf("a"), codeOf("a"), codeOf("a")]).toEqual([undefined, undefined, "QUEUE_SHARE_FULL"]);
    expect([codeOf("b"), codeOf("c")]).toEqual([undefined, "QUEUE_FULL"]);
  });

  it("does not count what is out at workers, and has room again when one leaves", () => {
    const admission = new Admission(3, { queueLength: 1, queueBytes: 1000 });
    const places = Array.from({ length: 4 }, () => admission.admit(f("a"), "1"));
    expect(places.map(({ state }) => state)).toEqual(["out", "out", "out", "waiting"]);
    expect(tryOne(admission, f("b")).code).toBe("QUEUE_FULL");
    admission.leave(places[0] as Place);
    expect(places[3]?.state).toBe("out");
    expect(tryOne(admission, f("b")).code).toBeUndefined();
  });
});

describe("Admission, of maxConcurrency", () => {
  it("refuses one more than it at once, queued and running counted together", () => {
    const admission = new Admission(2, LIMITS);
    const places = Array.from({ length: 3 }, () => admission.admit(f("a", { maxConcurrency: 3 }), "1"));
    expect(tryOne(admission, f("a", { maxConcurrency: 3 }))).toEqual({
      code: "CONCURRENCY_LIMIT",
      message: 'Cannot invoke "a": 3 of its invocations are under way, which is its maxConcurrency',
    });
    expect(tryOne(admission, f("b")).code).toBeUndefined();
    for (const place of places) {
      admission.leave(place);
      expect(tryOne(admission, f("a", { maxConcurrency: 3 })).code).toBeUndefined();
    }
  });

  it("turns a function off with 0, and takes the value of the newest deployment", () => {
    const admission = new Admission(9, LIMITS);
    expect(tryOne(admission, f("a", { maxConcurrency: 0 })).code).toBe("CONCURRENCY_LIMIT");
    expect(tryOne(admission, f("a", { maxConcurrency: 1 })).code).toBeUndefined();
    expect(tryOne(admission, f("a", { maxConcurrency: 1 })).code).toBe("CONCURRENCY_LIMIT");
    expect(tryOne(admission, f("a", { maxConcurrency: 2 })).code).toBeUndefined();
    expect(tryOne(admission, f("a")).code).toBeUndefined();
  });
});
