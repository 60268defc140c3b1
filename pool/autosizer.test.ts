import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Autosizer } from "./autosizer.ts";
import { FakeSandboxFactory } from "./fake-sandbox.ts";
import { parsePressure, readMachinePressure } from "./machine-pressure.ts";
import { PoolSizer } from "./pool-sizer.ts";
import { WarmPool } from "./warm-pool.ts";

const logger = pino({ level: "silent" });
const MIB = 1024 * 1024;

describe("Autosizer", () => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  function open({ budgetBytes = 1e12, pressure = { memory: 0, cpu: 0 } } = {}) {
    const factory = new FakeSandboxFactory();
    const sizer = new PoolSizer({ floor: 2, ceiling: 50 }, Date.now());
    const pool = new WarmPool({ factory, sizer, maxSandboxes: 200, maxStarting: 4, logger });
    const autosizer = new Autosizer({
      budgetBytes,
      maxStarting: 4,
      logger,
      readPressure: async () => pressure,
    });
    autosizer.add(pool);
    opened.push(pool, autosizer);
    return { pool, autosizer, pressure };
  }
  const burst = (pool: WarmPool, count: number, nowMs = Date.now()) => {
    for (let i = 0; i < count; i++) pool.sizer.arrived(nowMs);
  };
  const untilParked = (pool: WarmPool, parked: number) =>
    vi.waitFor(() => expect(pool.stats().parked).toBe(parked));

  it("a burst makes the pool grow at once; idle, it shrinks by one each second to its floor", async () => {
    const { pool, autosizer } = open();
    await untilParked(pool, 2);
    const now = Date.now();
    burst(pool, 20, now);
    autosizer.tick(now);
    expect(pool.target).toBeGreaterThanOrEqual(20);
    expect(pool.stats().decisions.at(-1)).toMatchObject({
      from: 2,
      to: pool.target,
      reason: "rate",
      burst: 20,
    });
    const grown = pool.target;
    await untilParked(pool, grown);

    const later = now + 400_000;
    for (let i = 0; i < 4; i++) autosizer.tick(later);
    expect(pool.target).toBe(2);
    await untilParked(pool, grown - 1);
    expect(pool.stats().retired).toBe(1);
    for (let i = 0; i < 4 * grown; i++) autosizer.tick(later);
    await untilParked(pool, 2);
    expect(pool.stats()).toMatchObject({ retired: grown - 2, target: 2, leaked: 0 });
  });

  it("never grows above its ceiling", async () => {
    const { pool, autosizer } = open();
    burst(pool, 500);
    autosizer.tick(Date.now());
    expect(pool.target).toBe(50);
    expect(pool.stats().decisions.at(-1)?.reason).toBe("ceiling");
  });

  it("pools share the memory that there is, and say so", async () => {
    const { pool, autosizer } = open({ budgetBytes: 10 * 4 * MIB });
    burst(pool, 30);
    autosizer.tick(Date.now());
    expect(pool.target).toBe(10);
    expect(pool.stats().decisions.at(-1)?.reason).toBe("memory_budget");
  });

  it("under memory pressure every pool goes to its floor, under CPU pressure it makes one at a time", async () => {
    const { pool, autosizer, pressure } = open();
    const setMaxStarting = vi.spyOn(pool, "setMaxStarting");
    burst(pool, 30);
    autosizer.tick(Date.now());
    expect(pool.target).toBeGreaterThan(2);
    pressure.memory = 30;
    pressure.cpu = 90;
    for (let i = 0; i < 4; i++) autosizer.tick(Date.now());
    await vi.waitFor(() => expect(autosizer.pressure.memory).toBe(30));
    for (let i = 0; i < 4; i++) autosizer.tick(Date.now());
    expect(pool.target).toBe(2);
    expect(pool.stats().decisions.at(-1)?.reason).toBe("memory_pressure");
    expect(setMaxStarting).toHaveBeenLastCalledWith(1);
    pressure.cpu = 0;
    for (let i = 0; i < 4; i++) autosizer.tick(Date.now());
    await vi.waitFor(() => expect(setMaxStarting).toHaveBeenLastCalledWith(4));
  });

  it("a pool that was removed is left alone", async () => {
    const { pool, autosizer } = open();
    autosizer.remove(pool);
    burst(pool, 30);
    autosizer.tick(Date.now());
    expect(pool.target).toBe(2);
  });
});

describe("machine pressure", () => {
  it("is the share of ten seconds in which something waited", () => {
    expect(parsePressure("some avg10=1.53 avg60=0.87 avg300=0.21 total=58761459\nfull avg10=0.1")).toBe(1.53);
    expect(parsePressure("")).toBe(0);
  });

  it("is unknown where the kernel does not tell", async () => {
    expect(await readMachinePressure("/nowhere")).toBeUndefined();
  });
});
