import { describe, expect, it } from "vitest";
import { percentile } from "../percentile.ts";
import { ratio, timingOf } from "./timing.ts";

describe("percentile()", () => {
  const hundred = Array.from({ length: 101 }, (_, i) => i);
  it("gives the value below which the share of all lie", () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
  });
  it("gives the one that there is, and 0 of none", () => {
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBe(0);
  });
});

describe("timingOf()", () => {
  it("sorts by number, rounds to the microsecond and leaves its input as it is", () => {
    const times = [10, 9.00051, 100];
    expect(timingOf(times)).toEqual({ p50Ms: 10, p99Ms: 10, n: 3 });
    expect(timingOf([9.00051])).toEqual({ p50Ms: 9.001, p99Ms: 9.001, n: 1 });
    expect(times).toEqual([10, 9.00051, 100]);
  });
});

describe("ratio()", () => {
  const timing = (p50Ms: number) => ({ p50Ms, p99Ms: p50Ms, n: 1 });
  it("says how many times longer the other took", () => {
    expect(ratio(timing(30), timing(2))).toBe(15);
  });
  it("is undefined when one of the two has no time", () => {
    expect(ratio({ refused: "why" }, timing(2))).toBeUndefined();
    expect(ratio(timing(2), undefined)).toBeUndefined();
  });
});
