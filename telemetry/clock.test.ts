import { afterEach, describe, expect, it, vi } from "vitest";
import { unixMs } from "./clock.ts";

afterEach(() => vi.restoreAllMocks());

describe("unixMs()", () => {
  it("stays in the millisecond that Date.now() says, and has fractions", () => {
    const read = Array.from({ length: 1000 }, () => {
      const before = Date.now();
      const at = unixMs();
      return { before, at, after: Date.now() };
    });
    for (const { before, at, after } of read) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThanOrEqual(after + 1);
    }
    expect(read.some(({ at }) => !Number.isInteger(at))).toBe(true);
  });

  it("follows a clock that is set, in both directions", () => {
    const real = Date.now();
    const clock = vi.spyOn(Date, "now");
    for (const shift of [60_000, -60_000, 0]) {
      clock.mockReturnValue(real + shift);
      expect(Math.abs(unixMs() - (real + shift))).toBeLessThanOrEqual(1);
    }
  });
});
