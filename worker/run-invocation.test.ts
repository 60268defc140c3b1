import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { LIMITS, MayflyError } from "../contract/index.ts";
import type { Lease } from "../pool/sandbox.ts";
import type { BundleCache } from "./bundle-cache.ts";
import { answer, jobOf, poolOf, scriptedSandbox } from "./pool.fixture.ts";
import { runInvocation } from "./run-invocation.ts";

const logger = pino({ level: "silent" });
const bundles: BundleCache = { open: async () => ({ folder: "/unpacked", release() {} }) };
const volumes = new Map([["models", { folder: "/srv/models", readOnly: true }]]);
const never: BundleCache = { open: () => Promise.reject(new Error("must not be asked")) };

describe("runInvocation()", () => {
  test("prepares the sandbox, runs the event and leaves the teardown to others", async () => {
    const sandbox = scriptedSandbox(answer("42", { initMs: 3, runMs: 5 }));
    const { reply, sandbox: kept } = await runInvocation(jobOf(), {
      pool: poolOf(sandbox),
      bundles,
      volumes,
      logger,
    });
    expect(sandbox.calls).toEqual(["prepare index.handler /unpacked", 'run {"name":"you"} 1000']);
    expect(kept).toBe(sandbox);
    expect(reply).toMatchObject({ verdict: "ok", body: Buffer.from("42"), timings: { initMs: 3, runMs: 5 } });
    expect(reply.timings.leaseMs).toBeGreaterThanOrEqual(0);
  });

  test("opens the layers in their order, and hands them back with the bundle", async () => {
    const sandbox = scriptedSandbox(answer("1"));
    const opened: BundleCache = { open: async (digest) => ({ folder: `/${digest[0]}`, release() {} }) };
    const layerDigests = ["a".repeat(64), "b".repeat(64)];
    const tools = { pool: poolOf(sandbox), bundles: opened, volumes, logger };
    const { layers } = await runInvocation(jobOf({ layerDigests }), tools);
    expect(layers.map(({ folder }) => folder)).toEqual(["/a", "/b"]);
    expect(sandbox.calls[0]).toBe("prepare index.handler /0 /a /b");
  });

  test("mounts the operator's volumes where the function wants them", async () => {
    const sandbox = scriptedSandbox(answer("1"));
    const leases: Lease[] = [];
    sandbox.prepare = async (lease) => void leases.push(lease);
    const job = jobOf({ volumes: [{ name: "models", path: "/mnt/m" }] });
    await runInvocation(job, { pool: poolOf(sandbox), bundles, volumes, logger });
    expect(leases[0]?.volumes).toEqual([{ name: "m", folder: "/srv/models", readOnly: true }]);
  });

  test("a volume that there is not is a fault that names it and those that there are", async () => {
    const job = jobOf({ volumes: [{ name: "modles", path: "/mnt/m" }] });
    const tools = { pool: poolOf(new Error("unused")), bundles: never, volumes, logger };
    expect((await runInvocation(job, tools)).reply).toMatchObject({
      verdict: "internal",
      fault: { type: "VOLUME_UNKNOWN", message: expect.stringMatching(/"modles".*has models/) },
    });
  });

  test("does not start a job past its time", async () => {
    const job = jobOf({ startBeforeMs: Date.now() - 1 });
    const { reply } = await runInvocation(job, {
      pool: poolOf(new Error("unused")),
      bundles: never,
      volumes,
      logger,
    });
    expect(reply.verdict).toBe("queue_timeout");
  });

  test("calls an invocation that got no sandbox in time queue_timeout", async () => {
    const pool = poolOf(new MayflyError("LEASE_TIMEOUT"));
    const { reply } = await runInvocation(jobOf(), { pool, bundles, volumes, logger });
    expect(reply).toMatchObject({ verdict: "queue_timeout", fault: { type: "LEASE_TIMEOUT" } });
  });

  test.each(["EGRESS_UNAVAILABLE", "RUNTIME_UNAVAILABLE"] as const)(
    "a worker that does not offer what the function asks for says so: %s",
    async (code) => {
      const pool = poolOf(new MayflyError(code));
      const { reply } = await runInvocation(jobOf({ network: "egress" }), { pool, bundles, volumes, logger });
      expect(reply).toMatchObject({ verdict: "unavailable", fault: { type: code } });
    },
  );

  test("a way out that could not be given is Mayfly's fault, with its code", async () => {
    const sandbox = scriptedSandbox(answer("1"));
    sandbox.prepare = () => Promise.reject(new MayflyError("EGRESS_FAILED"));
    const { reply } = await runInvocation(jobOf(), { pool: poolOf(sandbox), bundles, volumes, logger });
    expect(reply).toMatchObject({ verdict: "internal", fault: { type: "EGRESS_FAILED" } });
    expect(sandbox.calls).toEqual([]);
  });

  test("hands back what it took when the sandbox fails, and says nothing of the cause to the caller", async () => {
    const sandbox = scriptedSandbox(new Error("secret detail"));
    const judged = await runInvocation(jobOf(), { pool: poolOf(sandbox), bundles, volumes, logger });
    expect(judged.reply.verdict).toBe("internal");
    expect(JSON.stringify(judged.reply)).not.toContain("secret");
    expect(judged.sandbox).toBe(sandbox);
    expect(judged.bundle?.folder).toBe("/unpacked");
  });

  test("cuts the log's tail at a whole character", async () => {
    const sandbox = scriptedSandbox(answer("1"), undefined, `x${"€".repeat(LIMITS.logTailBytes)}`);
    const { reply } = await runInvocation(jobOf(), { pool: poolOf(sandbox), bundles, volumes, logger });
    expect(reply.logTail).toMatch(/^€+$/);
    expect(Buffer.byteLength(reply.logTail ?? "")).toBeLessThanOrEqual(LIMITS.logTailBytes);
  });
});
