import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PoolSizer } from "./pool-sizer.ts";
import { shareBudget } from "./share-budget.ts";

const START = 1_000_000;
const bounds = { floor: 4, ceiling: 100 };

/** Leases at a steady rate; returns the time after them. */
function lease(sizer: PoolSizer, perSecond: number, seconds: number, fromMs = START): number {
  const count = perSecond * seconds;
  for (let i = 0; i < count; i++) sizer.arrived(fromMs + (i * 1000) / perSecond);
  return fromMs + seconds * 1000;
}

describe("PoolSizer", () => {
  it("an idle pool is as large as its floor", () => {
    expect(new PoolSizer(bounds, START).wish(START)).toMatchObject({ wanted: 4, reason: "floor", burst: 0 });
  });

  it("a steady rate needs what is being made, and what comes together", () => {
    const sizer = new PoolSizer(bounds, START);
    for (let i = 0; i < 100; i++) sizer.refilled(50);
    const now = lease(sizer, 200, 60);
    const { wanted, ratePerSecond, refillMs, burst, reason } = sizer.wish(now);
    expect(ratePerSecond).toBeCloseTo(200, -1);
    expect(refillMs).toBeCloseTo(50, 0);
    expect(burst).toBe(20);
    expect(wanted).toBe(Math.ceil((ratePerSecond * refillMs) / 1000) + burst);
    expect(reason).toBe("rate");
  });

  it("a burst is remembered for five minutes and then forgotten", () => {
    const sizer = new PoolSizer(bounds, START);
    for (let i = 0; i < 50; i++) sizer.arrived(START);
    expect(sizer.wish(START).wanted).toBeGreaterThanOrEqual(50);
    expect(sizer.wish(START + 240_000)).toMatchObject({ wanted: 50, burst: 50 });
    expect(sizer.wish(START + 320_000)).toMatchObject({ wanted: 4, burst: 0, reason: "floor" });
  });

  it("stays between floor and ceiling, whatever comes, and says when the ceiling holds it", () => {
    const arrivals = fc.array(fc.nat(60_000), { maxLength: 400 });
    const refills = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(arrivals, refills, (offsets, tooks) => {
        const sizer = new PoolSizer(bounds, START);
        for (const offset of offsets.sort((a, b) => a - b)) sizer.arrived(START + offset);
        for (const took of tooks) sizer.refilled(took);
        const { wanted, reason } = sizer.wish(START + 60_000);
        expect(wanted).toBeGreaterThanOrEqual(bounds.floor);
        expect(wanted).toBeLessThanOrEqual(bounds.ceiling);
        if (reason === "floor") expect(wanted).toBe(bounds.floor);
        if (reason === "ceiling") expect(wanted).toBe(bounds.ceiling);
      }),
    );
  });
});

describe("shareBudget()", () => {
  const wish = fc
    .record({ floor: fc.nat(50), more: fc.nat(500), bytesEach: fc.integer({ min: 1, max: 1e9 }) })
    .map(({ floor, more, bytesEach }) => ({ floor, wanted: floor + more, bytesEach }));

  it("gives everybody what is wanted where it fits", () => {
    expect(shareBudget([{ floor: 1, wanted: 5, bytesEach: 10 }], 50)).toEqual([5]);
  });

  it("divides what is left above the floors by what is wanted above them", () => {
    const wishes = [
      { floor: 2, wanted: 22, bytesEach: 1 },
      { floor: 2, wanted: 12, bytesEach: 1 },
    ];
    expect(shareBudget(wishes, 19)).toEqual([12, 7]);
  });

  it("keeps floors always, and the budget wherever the floors fit into it", () => {
    fc.assert(
      fc.property(fc.array(wish, { minLength: 1, maxLength: 6 }), fc.nat(1e9), (wishes, budget) => {
        const given = shareBudget(wishes, budget);
        const bytes = (counts: number[]) =>
          counts.reduce((sum, count, i) => sum + count * (wishes[i]?.bytesEach ?? 0), 0);
        wishes.forEach(({ floor, wanted }, i) => {
          expect(given[i]).toBeGreaterThanOrEqual(floor);
          expect(given[i]).toBeLessThanOrEqual(wanted);
        });
        const floors = bytes(wishes.map(({ floor }) => floor));
        expect(bytes(given)).toBeLessThanOrEqual(Math.max(budget, floors) * (1 + 1e-9));
      }),
    );
  });
});
