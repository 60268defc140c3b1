import { describe, expect, it } from "vitest";
import { UidRanges } from "./uid-ranges.ts";

describe("uid ranges", () => {
  it("no two that are taken overlap, and all lie in the unused part of systemd's table", () => {
    const ranges = new UidRanges("main");
    const taken = Array.from({ length: 4093 }, () => ranges.take());
    expect(new Set(taken).size).toBe(4093);
    expect(taken.every((base) => (base - (taken[0] as number)) % 65_536 === 0)).toBe(true);
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(1_879_048_192);
    expect(Math.max(...taken) + 65_535).toBeLessThanOrEqual(2_147_352_575);
  });

  it("refuses when all are in use, and takes up the one that came back first", () => {
    const ranges = new UidRanges("main");
    const taken = Array.from({ length: 4093 }, () => ranges.take());
    expect(() => ranges.take()).toThrow("all 4093 ranges are in use");
    ranges.give(taken[7] as number);
    expect(ranges.take()).toBe(taken[7]);
  });

  it("two instances begin at different places", () => {
    const firsts = ["main", "other", "test-a", "test-b"].map((instance) => new UidRanges(instance).take());
    expect(new Set(firsts).size).toBe(4);
  });
});
