/** What every implementation of Sandbox promises, as tests: fake-sandbox.test.ts and linux-sandbox.itest.ts run it. */
import { afterEach, expect, it } from "vitest";
import { type EventHeader, functionLimits } from "../contract/index.ts";
import { SLOWNESS } from "../test/support/slowness.ts";
import type { Lease, Sandbox, SandboxFactory } from "./sandbox.ts";

export const limits = functionLimits.parse({ memoryMb: 128, timeoutMs: 5000 * SLOWNESS });

export const eventHeader = (): EventHeader => ({
  type: "event",
  invocationId: "0198c0de-0000-7000-8000-000000000000",
  deadlineMs: Date.now() + 5000 * SLOWNESS,
});

export const leaseOf = (bundleFolder: string, changes: Partial<Lease> = {}): Lease => ({
  functionName: "under-test",
  handler: "index.handler",
  limits,
  bundleFolder,
  ...changes,
});

/**
 * `bundleFolder`: of a function that understands the events of fake-sandbox.ts.
 * Call it inside a describe().
 */
export function sandboxContract(factory: () => SandboxFactory, bundleFolder: () => string): void {
  const made: Sandbox[] = [];
  const create = async () => {
    const sandbox = await factory().create();
    made.push(sandbox);
    return sandbox;
  };
  const lease = async () => {
    const sandbox = await create();
    await sandbox.prepare(leaseOf(bundleFolder()));
    return sandbox;
  };
  const run = (sandbox: Sandbox, event: unknown, timeoutMs = 5000 * SLOWNESS) =>
    sandbox.run(eventHeader(), Buffer.from(JSON.stringify(event)), timeoutMs);

  afterEach(async () => {
    await Promise.all(made.splice(0).map((sandbox) => sandbox.destroy()));
  });

  it("create() resolves to a parked sandbox", async () => {
    expect((await create()).state).toBe("parked");
  });

  it("every sandbox has an id of its own", async () => {
    expect((await create()).id).not.toBe((await create()).id);
  });

  it("a prepared sandbox answers its event, is finished, and accounts for it", async () => {
    const sandbox = await lease();
    expect(sandbox.state).toBe("leased");
    const outcome = await run(sandbox, { hello: "world" });
    expect(outcome).toMatchObject({ kind: "answer", header: { status: "ok" } });
    if (outcome.kind !== "answer") throw new Error("unreachable");
    expect(JSON.parse(outcome.body.toString())).toEqual({ hello: "world" });
    expect(sandbox.state).toBe("finished");
    expect(sandbox.usage().cpuUs).toBeGreaterThan(0);
    expect(sandbox.log()).toMatchObject({ droppedBytes: 0 });
  });

  it("run() reports a process that ends before it answers", async () => {
    expect(await run(await lease(), { exit: 3 })).toEqual({ kind: "ended", end: { exitCode: 3 } });
  });

  it("run() ends at the time limit", async () => {
    expect(await run(await lease(), { sleep: true }, 200)).toMatchObject({ kind: "timeout" });
  });

  it("a second event is refused: a sandbox is used once", async () => {
    const sandbox = await lease();
    await run(sandbox, 1);
    await expect(run(sandbox, 2)).rejects.toMatchObject({ code: "SANDBOX_STATE" });
  });

  it("an event is refused before prepare(), and prepare() a second time", async () => {
    const sandbox = await create();
    await expect(run(sandbox, 1)).rejects.toMatchObject({ code: "SANDBOX_STATE" });
    await sandbox.prepare(leaseOf(bundleFolder()));
    await expect(sandbox.prepare(leaseOf(bundleFolder()))).rejects.toMatchObject({
      code: "SANDBOX_STATE",
    });
  });

  it("initialize() loads the function ahead, and run() then answers", async () => {
    const sandbox = await create();
    expect(await sandbox.initialize(leaseOf(bundleFolder()), 5000 * SLOWNESS)).toBeGreaterThan(0);
    expect(sandbox.state).toBe("initialized");
    expect(sandbox.inspect().lease?.invocationId).toBeUndefined();
    expect(await run(sandbox, { hello: "world" })).toMatchObject({
      kind: "answer",
      header: { status: "ok" },
    });
    await expect(run(sandbox, 2)).rejects.toMatchObject({ code: "SANDBOX_STATE" });
  });

  it("initialize() refuses code that does not load", async () => {
    const lease = leaseOf(bundleFolder(), { handler: "broken.handler" });
    const sandbox = await create();
    await expect(sandbox.initialize(lease, 5000 * SLOWNESS)).rejects.toMatchObject({
      code: "FUNCTION_INIT_FAILED",
    });
  });

  it("usage() and log() are refused before the end", async () => {
    const sandbox = await create();
    expect(() => sandbox.usage()).toThrow("parked");
    expect(() => sandbox.log()).toThrow("parked");
  });

  it("inspect() says in every state what it is, and for whom once it is leased", async () => {
    const sandbox = await factory().create();
    made.push(sandbox);
    expect(sandbox.inspect()).toMatchObject({ id: sandbox.id, state: "parked", network: "none" });
    await sandbox.prepare(leaseOf(bundleFolder()));
    const { functionName } = leaseOf("");
    expect(sandbox.inspect()).toMatchObject({ state: "leased", lease: { functionName, memoryMb: 128 } });
    await run(sandbox, { answer: 1 });
    const { invocationId } = eventHeader();
    expect(sandbox.inspect()).toMatchObject({ state: "finished", lease: { functionName, invocationId } });
    await sandbox.destroy();
    expect(sandbox.inspect()).toMatchObject({ state: "destroyed" });
  });

  it("destroy() works in every state, may be repeated, and settles destroyed and died", async () => {
    const parked = await create();
    const leased = await lease();
    const finished = await lease();
    await run(finished, 1);
    for (const sandbox of [parked, leased, finished]) {
      await sandbox.destroy();
      await sandbox.destroy();
      await sandbox.destroyed;
      await sandbox.died;
      expect(sandbox.state).toBe("destroyed");
    }
  });

  it("destroy() ends a running invocation", async () => {
    const sandbox = await lease();
    const outcome = run(sandbox, { sleep: true });
    await sandbox.destroy();
    expect((await outcome).kind).toBe("ended");
    expect(sandbox.state).toBe("destroyed");
  });
}
