/** Floods, limits and withdrawal, through HTTP, a real Redis and a worker that answers by the contract. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InvocationJob } from "../../contract/index.ts";
import { zipOf } from "../bundles/archives.fixture.ts";
import { API_KEY, deployment, type GatewayFixture, startGateway } from "../gateway.fixture.ts";

let gateway: GatewayFixture;
beforeEach(async () => {
  gateway = await startGateway({ width: 4, queueTimeoutMs: 10_000 });
});
afterEach(() => gateway.end());

const deploy = async (name: string, configuration: object = {}) => {
  const form = deployment(zipOf([{ name: "index.js" }]), configuration);
  const response = await gateway.request("PUT", `/v1/functions/${name}`, form);
  expect(response.status).toBeLessThan(300);
  return response.json();
};
const invoke = (name: string) => gateway.request("POST", `/v1/functions/${name}/invocations`);

/** A caller that can go away. */
function caller(name: string) {
  const controller = new AbortController();
  const answer = gateway.app.request(`/v1/functions/${name}/invocations`, {
    method: "POST",
    headers: { "X-Api-Key": API_KEY },
    signal: controller.signal,
  });
  return { answer: Promise.resolve(answer), goAway: () => controller.abort() };
}

/** A worker whose invocations last until the test ends them, in the order in which it took them. */
async function startHeldWorker() {
  const taken: { job: InvocationJob; end: () => void }[] = [];
  await gateway.startWorker(
    (job) => new Promise((resolve) => taken.push({ job, end: () => resolve({ body: Buffer.from("1") }) })),
  );
  return taken;
}

describe("a flood of one function", () => {
  it("does not starve another: one of B among 500 of A is answered at once", async () => {
    await Promise.all([deploy("a"), deploy("b")]);
    const ended: string[] = [];
    const call = async (name: string) => {
      const response = await invoke(name);
      expect(response.status).toBe(200);
      ended.push(name);
    };
    const floods = Array.from({ length: 500 }, () => call("a"));
    await expect.poll(() => gateway.admission.waitingCount).toBe(496);
    const one = call("b");
    await expect.poll(() => gateway.admission.waitingCount).toBe(497);
    await gateway.startWorker(() => ({ body: Buffer.from("1") }));
    await Promise.all([...floods, one]);
    // Four of A were out before; B's turn came when the first of them had ended.
    expect(ended.indexOf("b")).toBeLessThan(10);
    expect(ended).toHaveLength(501);
    expect([gateway.admission.outCount, gateway.admission.waitingCount]).toEqual([0, 0]);
  });

  it("is served by weight beside another flood", async () => {
    await Promise.all([deploy("heavy", { weight: 3 }), deploy("light")]);
    const calls = [invoke("light"), invoke("light"), invoke("light"), invoke("light")];
    await expect.poll(() => gateway.admission.outCount).toBe(4);
    for (let n = 0; n < 100; n += 1) calls.push(invoke("light"), invoke("heavy"));
    await expect.poll(() => gateway.admission.waitingCount).toBe(200);
    const order: string[] = [];
    await gateway.startWorker((job) => {
      order.push(job.functionName);
      return {};
    });
    await Promise.all(calls);
    // While both wait: after the four that were out already, of 100 turns three in four are heavy's.
    const heavy = order.slice(4, 104).filter((name) => name === "heavy").length;
    expect(heavy).toBeGreaterThanOrEqual(70);
    expect(heavy).toBeLessThanOrEqual(80);
  });

  it("leaves no more in Redis than the width", async () => {
    await deploy("a");
    const callers = Array.from({ length: 20 }, () => caller("a"));
    await expect.poll(() => gateway.admission.waitingCount).toBe(16);
    await expect.poll(() => gateway.queue.waitingCount()).toBe(4);
    for (const { goAway } of callers) goAway();
    await Promise.all(callers.map(({ answer }) => answer));
    expect(await gateway.queue.waitingCount()).toBe(0);
  });
});

describe("maxConcurrency", () => {
  it("refuses one more at once with 429 and Retry-After, and lets others in", async () => {
    expect(await deploy("a", { maxConcurrency: 2 })).toMatchObject({ maxConcurrency: 2, weight: 1 });
    await deploy("b");
    const taken = await startHeldWorker();
    const running = [invoke("a"), invoke("a")];
    await expect.poll(() => taken.length).toBe(2);

    const refused = await invoke("a");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(await refused.json()).toMatchObject({
      code: "CONCURRENCY_LIMIT",
      verdict: "throttled",
      detail: 'Cannot invoke "a": 2 of its invocations are under way, which is its maxConcurrency',
    });
    const other = invoke("b");
    await expect.poll(() => taken.length).toBe(3);
    for (const { end } of taken) end();
    for (const response of await Promise.all([...running, other])) expect(response.status).toBe(200);

    const next = invoke("a");
    await expect.poll(() => taken.length).toBe(4);
    taken[3]?.end();
    expect((await next).status).toBe(200);
  });

  it("still counts an invocation whose caller went away until it has ended", async () => {
    await deploy("a", { maxConcurrency: 1 });
    const taken = await startHeldWorker();
    const first = caller("a");
    await expect.poll(() => taken.length).toBe(1);
    first.goAway();
    expect((await first.answer).status).toBe(499);
    expect((await invoke("a")).status).toBe(429);
    taken[0]?.end();
    await expect.poll(() => gateway.admission.outCount).toBe(0);
    const second = invoke("a");
    await expect.poll(() => taken.length).toBe(2);
    taken[1]?.end();
    expect((await second).status).toBe(200);
  });

  it("of a deployment that breaks the schema is refused with its path", async () => {
    const form = deployment(zipOf([{ name: "index.js" }]), { maxConcurrency: -1, weight: 101 });
    const response = await gateway.request("PUT", "/v1/functions/a", form);
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { path: string }[] };
    expect(errors.map(({ path }) => path).sort()).toEqual([
      "configuration.maxConcurrency",
      "configuration.weight",
    ]);
  });
});

describe("an invocation that waits in the gateway", () => {
  it("is withdrawn without Redis when its caller goes away, and the next has its turn in its place", async () => {
    await deploy("a");
    const taken = await startHeldWorker();
    const first = Array.from({ length: 4 }, () => caller("a"));
    await expect.poll(() => taken.length).toBe(4);
    const [leaves, stays] = [caller("a"), caller("a")];
    await expect.poll(() => gateway.admission.waitingCount).toBe(2);
    const { promise: goneAtOnce, resolve } = Promise.withResolvers<number>();
    void leaves.answer.then(() => resolve(gateway.admission.waitingCount));
    leaves.goAway();
    expect((await leaves.answer).status).toBe(499);
    expect(await goneAtOnce).toBe(1);
    expect(gateway.log()).toMatch(/"verdict":"cancelled","isWithdrawn":true/);

    taken[0]?.end();
    await expect.poll(() => taken.length).toBe(5);
    expect(taken[4]?.job.invocationId).not.toBe((await leaves.answer).headers.get("X-Mayfly-Invocation-Id"));
    for (const { end } of taken.slice(1)) end();
    for (const { answer } of [...first, stays]) expect((await answer).status).toBe(200);
    expect([gateway.admission.outCount, gateway.admission.waitingCount]).toEqual([0, 0]);
  });

  it("ends as queue_timeout when its turn does not come, and its time counts from its arrival", async () => {
    const own = await startGateway({ width: 1, queueTimeoutMs: 1_000 });
    try {
      await own.request("PUT", "/v1/functions/a", deployment(zipOf([{ name: "index.js" }])));
      const jobs: InvocationJob[] = [];
      const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
      await own.startWorker(async (job) => {
        jobs.push(job);
        if (jobs.length === 1) await mayEnd;
        return { timings: { queueMs: Date.now() - job.enqueuedAtMs } };
      });
      const path = "/v1/functions/a/invocations";
      const first = own.request("POST", path);
      await expect.poll(() => jobs.length).toBe(1);
      const late = await own.request("POST", path);
      expect(await late.json()).toMatchObject({ status: 503, verdict: "queue_timeout" });
      expect(own.admission.waitingCount).toBe(0);

      const second = own.request("POST", path);
      await expect.poll(() => own.admission.waitingCount).toBe(1);
      const seenAtMs = Date.now();
      await expect.poll(() => Date.now()).toBeGreaterThan(seenAtMs + 10);
      end();
      const waited = Number(/queue;dur=(\d+)/.exec((await second).headers.get("Server-Timing") ?? "")?.[1]);
      expect(waited).toBeGreaterThan(10);
      expect(jobs[1]?.enqueuedAtMs).toBeLessThanOrEqual(seenAtMs);
      expect(Number(jobs[1]?.startBeforeMs) - Number(jobs[1]?.enqueuedAtMs)).toBe(1_000);
      expect((await first).status).toBe(200);
    } finally {
      await own.end();
    }
  });
});
