import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeSandboxFactory } from "./fake-sandbox.ts";
import { PoolSizer } from "./pool-sizer.ts";
import { WarmPool } from "./warm-pool.ts";

const logger = pino({ level: "silent" });

describe("the warm pool", () => {
  let factory: FakeSandboxFactory;
  let pool: WarmPool;
  const open = (options: { target?: number; maxSandboxes?: number; failures?: number } = {}) => {
    factory = new FakeSandboxFactory();
    factory.failures = options.failures ?? 0;
    const { target = 2, maxSandboxes = 4 } = options;
    pool = new WarmPool({
      factory,
      sizer: new PoolSizer({ floor: target, ceiling: target }, Date.now()),
      maxSandboxes,
      maxStarting: 2,
      logger,
    });
  };
  const untilParked = (count: number) => vi.waitFor(() => expect(pool.stats().parked).toBe(count));

  afterEach(async () => {
    for (const sandbox of factory.made) void sandbox.destroy();
    await pool.close();
  });

  it("parks its target before anybody asks", async () => {
    open({ target: 3 });
    await untilParked(3);
    expect(factory.made).toHaveLength(3);
  });

  it("hands out the sandbox that is parked longest, never one twice, and refills", async () => {
    open();
    await untilParked(2);
    const first = await pool.acquire(1000);
    const second = await pool.acquire(1000);
    expect([first.id, second.id]).toEqual(["fake-1", "fake-2"]);
    await untilParked(2);
    expect((await pool.acquire(1000)).id).toBe("fake-3");
  });

  it("acquire() waits when every sandbox is leased, and gets the next one made", async () => {
    open({ target: 1, maxSandboxes: 1 });
    const first = await pool.acquire(1000);
    const waiting = pool.acquire(5000);
    expect(pool.stats()).toMatchObject({ leased: 1, waiting: 1 });
    await first.destroy();
    expect((await waiting).id).toBe("fake-2");
  });

  it("acquire() fails after its time limit and says that the pool is at its limit", async () => {
    open({ target: 1, maxSandboxes: 1 });
    await pool.acquire(1000);
    await expect(pool.acquire(20)).rejects.toMatchObject({
      code: "LEASE_TIMEOUT",
      message: "Cannot lease a sandbox of nodejs24: pool is at its limit of 1",
    });
    expect(pool.stats().waiting).toBe(0);
  });

  it("waiters are served in the order in which they came", async () => {
    open({ target: 0, maxSandboxes: 1 });
    const order: number[] = [];
    const lease = async (number: number) => {
      const sandbox = await pool.acquire(5000);
      order.push(number);
      await sandbox.destroy();
    };
    await Promise.all([lease(1), lease(2), lease(3)]);
    expect(order).toEqual([1, 2, 3]);
  });

  it("replaces a sandbox that died while it was parked", async () => {
    open();
    await untilParked(2);
    await factory.made[0]?.destroy();
    await vi.waitFor(() => expect(factory.made).toHaveLength(3));
    await untilParked(2);
    expect((await pool.acquire(1000)).id).toBe("fake-2");
  });

  it("tries again when making a sandbox fails", async () => {
    open({ target: 1, failures: 1 });
    await untilParked(1);
  });

  it("close() refuses waiters and new leases and destroys every sandbox, leased ones too", async () => {
    open({ target: 1, maxSandboxes: 1 });
    const leased = await pool.acquire(1000);
    const waiting = pool.acquire(5000);
    const closed = pool.close();
    await expect(waiting).rejects.toMatchObject({ code: "POOL_CLOSED" });
    await expect(pool.acquire(10)).rejects.toMatchObject({ code: "POOL_CLOSED" });
    await closed;
    expect(leased.state).toBe("destroyed");
    expect(factory.closed).toBe(true);
    expect(factory.made.every((sandbox) => sandbox.state === "destroyed")).toBe(true);
  });
});
