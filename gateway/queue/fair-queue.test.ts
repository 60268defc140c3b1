import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { FairQueue } from "./fair-queue.ts";
import type { Place } from "./lane.ts";

/** Enters and leaves as a test says, and keeps what happened in order. */
class Driver {
  readonly queue: FairQueue;
  readonly weights: Record<string, number>;
  readonly began: { name: string; n: number }[] = [];
  readonly out: { name: string; place: Place }[] = [];
  readonly waiting: { name: string; place: Place }[] = [];
  /** Called whenever somebody's turn has come who had to wait. */
  onTurn: (name: string) => void = () => {};
  #count = 0;

  constructor(width: number, weights: Record<string, number> = {}) {
    this.queue = new FairQueue(width);
    this.weights = weights;
  }

  enter(name: string): void {
    const n = this.#count++;
    const place = this.queue.enter(name, this.weights[name] ?? 1, 10);
    const entry = { name, place };
    if (place.state === "out") {
      this.began.push({ name, n });
      this.out.push(entry);
      return;
    }
    this.waiting.push(entry);
    place.begin = () => {
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      this.began.push({ name, n });
      this.out.push(entry);
      this.onTurn(name);
    };
  }

  /** Of those that are out, or of those that wait, the one at this place, counted round. */
  leave(from: "out" | "waiting", at: number): void {
    const [entry] = this[from].splice(at % Math.max(1, this[from].length), 1);
    if (entry) this.queue.leave(entry.place);
  }

  outOf(name: string): number {
    return this.out.filter((entry) => entry.name === name).length;
  }

  names(): string[] {
    return this.began.map(({ name }) => name);
  }
}

type Step = { do: "enter"; name: string } | { do: "end" | "withdraw"; at: number };
const steps = (names: string[]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant("enter" as const), name: fc.constantFrom(...names) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), at: fc.nat(1000) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("withdraw" as const), at: fc.nat(1000) }) },
    ),
    { maxLength: 200 },
  );

function follow(driver: Driver, steps: Step[], check: () => void): void {
  for (const step of steps) {
    if (step.do === "enter") driver.enter(step.name);
    else driver.leave(step.do === "end" ? "out" : "waiting", step.at);
    check();
  }
}

const NAMES = ["a", "b", "c", "d"];

describe("FairQueue, whatever comes and goes", () => {
  it("is work conserving, never above its width, and counts exactly", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), steps(NAMES), (width, steps) => {
        const driver = new Driver(width);
        const { queue } = driver;
        follow(driver, steps, () => {
          expect(queue.outCount).toBe(driver.out.length);
          expect(queue.waitingCount).toBe(driver.waiting.length);
          expect(queue.waitingBytes).toBe(10 * driver.waiting.length);
          for (const name of NAMES) {
            expect(queue.of(name).outCount).toBe(driver.outOf(name));
            const waiting = driver.waiting.filter((entry) => entry.name === name).length;
            expect(queue.of(name)).toMatchObject({ waitingCount: waiting, waitingBytes: 10 * waiting });
          }
          expect(queue.outCount).toBeLessThanOrEqual(width);
          if (queue.waitingCount > 0) expect(queue.outCount).toBe(width);
        });
      }),
    );
  });

  it("is first in, first out within a function", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps(NAMES), (width, steps) => {
        const driver = new Driver(width);
        follow(driver, steps, () => {});
        for (const name of NAMES) {
          const order = driver.began.filter((one) => one.name === name).map(({ n }) => n);
          expect(order).toEqual(order.toSorted((x, y) => x - y));
        }
      }),
    );
  });

  it("gives no turn to a function that has its share while one that has less than its own waits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.record({ a: fc.integer({ min: 1, max: 9 }), b: fc.integer({ min: 1, max: 9 }) }),
        steps(NAMES),
        (width, weights, steps) => {
          const driver = new Driver(width, weights);
          driver.onTurn = (name) => {
            const active = new Set([...driver.out, ...driver.waiting].map((entry) => entry.name));
            const weightOf = (one: string) => driver.weights[one] ?? 1;
            const all = [...active].reduce((sum, one) => sum + weightOf(one), 0);
            const share = (one: string) => Math.ceil((width * weightOf(one)) / all);
            if (driver.outOf(name) <= share(name)) return;
            for (const { name: other } of driver.waiting)
              expect(driver.outOf(other)).toBeGreaterThanOrEqual(share(other));
          };
          follow(driver, steps, () => {});
        },
      ),
    );
  });

  it("remembers nothing when all have left", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), steps(NAMES), (width, steps) => {
        const driver = new Driver(width);
        follow(driver, steps, () => {});
        while (driver.waiting.length > 0) driver.leave("waiting", 0);
        while (driver.out.length > 0) driver.leave("out", 0);
        const { queue } = driver;
        expect([queue.outCount, queue.waitingCount, queue.waitingBytes, queue.functionCount]).toEqual([
          0, 0, 0, 0,
        ]);
      }),
    );
  });
});

describe("FairQueue, while all functions have somebody waiting", () => {
  const weight = fc.integer({ min: 1, max: 10 });

  it("gives turns by weight, one at a time, never further apart than one turn of each", () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 2, maxLength: 5 }), (weights) => {
        const names = weights.map((_, i) => `f${i}`);
        const driver = new Driver(1, Object.fromEntries(names.map((name, i) => [name, weights[i] ?? 1])));
        driver.enter("before");
        for (const name of names) for (let n = 0; n < 200; n += 1) driver.enter(name);
        const turns = Object.fromEntries(names.map((name) => [name, 0]));
        driver.onTurn = (name) => {
          turns[name] = (turns[name] ?? 0) + 1;
        };
        // The bound of start-time fair queueing (its theorem 1), with every invocation of size 1.
        for (let n = 0; n < 150; n += 1) {
          driver.leave("out", 0);
          for (const [i, f] of names.entries())
            for (const [j, g] of names.entries()) {
              const [wf = 1, wg = 1] = [weights[i], weights[j]];
              const apart = Math.abs((turns[f] ?? 0) / wf - (turns[g] ?? 0) / wg);
              expect(apart).toBeLessThanOrEqual(1 / wf + 1 / wg + 1e-9);
            }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("divides the width by weight, however unequal the times that invocations take", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 40 }),
        fc.array(weight, { minLength: 2, maxLength: 4 }),
        fc.array(fc.nat(1000), { minLength: 200, maxLength: 200 }),
        (width, weights, ends) => {
          const names = weights.map((_, i) => `f${i}`);
          const driver = new Driver(
            width,
            Object.fromEntries(names.map((name, i) => [name, weights[i] ?? 1])),
          );
          for (let n = 0; n < width; n += 1) driver.enter("before");
          for (const name of names) for (let n = 0; n < 250; n += 1) driver.enter(name);
          while (driver.outOf("before") > 0)
            driver.leave(
              "out",
              driver.out.findIndex(({ name }) => name === "before"),
            );
          const all = weights.reduce((sum, one) => sum + one, 0);
          for (const at of ends) {
            driver.leave("out", at);
            for (const [i, name] of names.entries()) {
              const share = Math.ceil((width * (weights[i] ?? 1)) / all);
              expect(driver.outOf(name)).toBeLessThanOrEqual(share);
            }
          }
        },
      ),
    );
  });
});

describe("FairQueue", () => {
  test("one of B goes next, whatever A has waiting", () => {
    const driver = new Driver(2);
    for (let n = 0; n < 500; n += 1) driver.enter("a");
    driver.enter("b");
    driver.leave("out", 0);
    expect(driver.names()).toEqual(["a", "a", "b"]);
  });

  test("slow invocations of one function leave the other its half of the width", () => {
    const driver = new Driver(8);
    for (let n = 0; n < 100; n += 1) driver.enter("slow");
    for (let n = 0; n < 100; n += 1) driver.enter("fast");
    // The first eight end; from then on only fast ones do.
    for (let n = 0; n < 8; n += 1) driver.leave("out", 0);
    for (let n = 0; n < 50; n += 1)
      driver.leave(
        "out",
        driver.out.findIndex(({ name }) => name === "fast"),
      );
    expect([driver.outOf("slow"), driver.outOf("fast")]).toEqual([4, 4]);
  });

  test("a function that calls one at a time cannot shed what its weight says", () => {
    const driver = new Driver(1, { heavy: 9 });
    for (let n = 0; n < 100; n += 1) driver.enter("heavy");
    for (let n = 0; n < 60; n += 1) {
      if (driver.queue.of("light").waitingCount + driver.queue.of("light").outCount === 0)
        driver.enter("light");
      driver.leave("out", 0);
    }
    const light = driver.names().filter((name) => name === "light").length;
    expect(light).toBeGreaterThanOrEqual(5);
    expect(light).toBeLessThanOrEqual(7);
  });

  test("more width lets more go at once; less takes nothing back", () => {
    const driver = new Driver(1);
    for (let n = 0; n < 10; n += 1) driver.enter("a");
    driver.queue.width = 4;
    expect(driver.out).toHaveLength(4);
    driver.queue.width = 2;
    driver.leave("out", 0);
    driver.leave("out", 0);
    expect([driver.out.length, driver.waiting.length]).toEqual([2, 6]);
    driver.leave("out", 0);
    expect([driver.out.length, driver.waiting.length]).toEqual([2, 5]);
  });

  test("leaving twice does nothing", () => {
    const queue = new FairQueue(1);
    const first = queue.enter("a", 1);
    const second = queue.enter("a", 1);
    queue.leave(first);
    queue.leave(first);
    expect([second.state, queue.outCount]).toEqual(["out", 1]);
  });

  test("does not remember every function that came by while it was never empty", () => {
    const queue = new FairQueue(2);
    queue.enter("always", 1);
    for (let n = 0; n < 20_000; n += 1) {
      queue.leave(queue.enter(`once-${n}`, 1));
      // What moves virtual time on: the same function again and again.
      queue.leave(queue.enter("busy", 1));
    }
    expect(queue.functionCount).toBeLessThan(2_500);
  });
});
