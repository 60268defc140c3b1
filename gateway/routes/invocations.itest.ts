import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type InvocationJob, LIMITS, VERDICT_NAMES, VERDICTS } from "../../contract/index.ts";
import { zipOf } from "../bundles/archives.fixture.ts";
import { deployment, type GatewayFixture, type RequestBody, startGateway } from "../gateway.fixture.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PATH = "/v1/functions/hello/invocations";

let gateway: GatewayFixture;
beforeAll(async () => {
  // Short, because some tests wait for them.
  gateway = await startGateway({ queueTimeoutMs: 300, replyGraceMs: 300, queueLength: 2, width: 3 });
  await gateway.request(
    "PUT",
    "/v1/functions/hello",
    deployment(zipOf([{ name: "index.js" }]), {
      limits: { timeoutMs: 50 },
      environment: { TOKEN: "s3cret" },
    }),
  );
});
afterEach(() => gateway.stopWorkers());
afterAll(() => gateway.end());

const invoke = (body?: RequestBody, headers: Record<string, string> = {}) =>
  gateway.request("POST", PATH, body, headers);

describe("POST /v1/functions/{name}/invocations", () => {
  it("answers what the handler answered, with the invocation's id and timings", async () => {
    await gateway.startWorker((job) => ({
      body: Buffer.from(`{"got":${job.event}}`),
      timings: { queueMs: 1.5, leaseMs: 2, initMs: 0.25, runMs: 3 },
    }));
    const response = await invoke('{ "a" : 1 }');
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    // The text went through as it was, spaces included.
    expect(await response.text()).toBe('{"got":{ "a" : 1 }}');
    expect(response.headers.get("X-Mayfly-Invocation-Id")).toMatch(UUID_V7);
    expect(response.headers.get("Server-Timing")).toMatch(
      /^queue;dur=1\.5, lease;dur=2, init;dur=0\.25, run;dur=3, total;dur=[\d.]+$/,
    );
  });

  it("gives the worker all that it needs, and an empty body as the event {}", async () => {
    const jobs: InvocationJob[] = [];
    await gateway.startWorker((job) => {
      jobs.push(job);
      return {};
    });
    const response = await invoke();
    expect(jobs).toMatchObject([
      {
        invocationId: response.headers.get("X-Mayfly-Invocation-Id"),
        functionName: "hello",
        handler: "index.handler",
        runtime: "nodejs24",
        environment: { TOKEN: "s3cret" },
        limits: { timeoutMs: 50 },
        network: "none",
        event: "{}",
      },
    ]);
    expect(Number(jobs[0]?.startBeforeMs) - Number(jobs[0]?.enqueuedAtMs)).toBe(300);
  });

  it("leaves nothing of an event or its environment in Redis", async () => {
    await gateway.startWorker(() => ({}));
    const response = await invoke('"s3cret-event"');
    const id = response.headers.get("X-Mayfly-Invocation-Id");
    // The job is removed by the worker after it replied.
    await expect.poll(() => gateway.redis.keys(`*${id}*`)).toEqual([]);
    expect(gateway.log()).not.toContain("s3cret");
  });

  it("hands many invocations their own answers", async () => {
    const atOnce = 3;
    await gateway.startWorker((job) => ({ body: Buffer.from(job.event) }));
    for (let round = 0; round < 20; round += 1) {
      const events = Array.from({ length: atOnce }, (_, n) => `"${round}-${n}"`);
      const answers = await Promise.all(
        events.map(async (event) => {
          return (await invoke(event)).text();
        }),
      );
      expect(answers).toEqual(events);
    }
  });

  const failures = VERDICT_NAMES.filter((verdict) => verdict !== "ok");
  it.each(failures)("answers the verdict %s as a problem with the status of the table", async (verdict) => {
    await gateway.startWorker(() => ({
      verdict,
      fault: { type: "TypeError", message: "x is not a function", stack: ["at index.js:1"] },
      logTail: "last words",
      timings: { queueMs: 1 },
    }));
    const response = await invoke();
    expect(response.status).toBe(VERDICTS[verdict].httpStatus);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(response.headers.get("Server-Timing")).toMatch(/^queue;dur=1, total;dur=/);
    expect(response.headers.has("Retry-After")).toBe(verdict === "throttled");
    const id = response.headers.get("X-Mayfly-Invocation-Id");
    expect(await response.json()).toMatchObject({
      code: "INVOCATION_FAILED",
      verdict,
      invocationId: id,
      status: VERDICTS[verdict].httpStatus,
      title: VERDICTS[verdict].title,
      detail: "TypeError: x is not a function",
      fault: { type: "TypeError", message: "x is not a function", stack: ["at index.js:1"] },
      logTail: "last words",
    });
  });

  it("takes the job off the queue and answers queue_timeout when no worker takes it", async () => {
    const response = await invoke();
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ verdict: "queue_timeout" });
    expect(await gateway.queue.waitingCount()).toBe(0);
  });

  it("answers worker_lost when a worker took the job and never answers", async () => {
    await gateway.startWorker(() => new Promise(() => {}));
    expect(await (await invoke()).json()).toMatchObject({ status: 503, verdict: "worker_lost" });
  });

  it("takes the job off the queue when its caller goes away", async () => {
    const caller = new AbortController();
    const answer = Promise.resolve(
      gateway.app.request(PATH, {
        method: "POST",
        headers: { "X-Api-Key": "a-key-for-the-tests-only" },
        signal: caller.signal,
      }),
    );
    await expect.poll(() => gateway.queue.waitingCount()).toBe(1);
    caller.abort();
    expect((await answer).status).toBe(499);
    expect(await gateway.queue.waitingCount()).toBe(0);
    expect(gateway.log()).toMatch(/"verdict":"cancelled","isWithdrawn":true/);
  });

  it("refuses at once, with Retry-After, when the queue is full, and recovers", async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => invoke()));
    const refused = responses.filter((response) => response.status === 429);
    // Three are out, one waits, and the place that is left is not for the same function.
    expect(refused.length).toBe(4);
    expect(refused[0]?.headers.get("Retry-After")).toBe("1");
    expect(refused[0]?.headers.get("X-Mayfly-Invocation-Id")).toMatch(UUID_V7);
    expect(await refused[0]?.json()).toMatchObject({ code: "QUEUE_SHARE_FULL", verdict: "throttled" });
    await gateway.startWorker(() => ({}));
    await expect.poll(async () => (await invoke()).status, { timeout: 5_000 }).toBe(200);
  });

  it.each([
    ["an event that is not JSON", () => invoke("{nope"), 400, "EVENT_NOT_JSON"],
    ["an event that is not UTF-8", () => invoke(new Uint8Array([0x22, 0xff, 0x22])), 400, "EVENT_NOT_JSON"],
    [
      "an unknown function",
      () => gateway.request("POST", "/v1/functions/nobody/invocations"),
      404,
      "FUNCTION_UNKNOWN",
    ],
    [
      "an event that says it is too large",
      () => invoke("1", { "Content-Length": String(LIMITS.eventBytes + 1) }),
      413,
      "REQUEST_TOO_LARGE",
    ],
    [
      "an event that is too large",
      () => invoke(new Uint8Array(LIMITS.eventBytes + 1)),
      413,
      "REQUEST_TOO_LARGE",
    ],
  ])("refuses %s, with the invocation's id", async (_, act, status, code) => {
    const response = await act();
    expect(await response.json()).toMatchObject({ status, code });
    expect(response.headers.get("X-Mayfly-Invocation-Id")).toMatch(UUID_V7);
    expect(response.headers.get("Server-Timing")).toMatch(/^total;dur=/);
  });
});

describe("when Redis is away", () => {
  it("says so at once, and serves again when Redis is back", async () => {
    const own = await startGateway();
    try {
      await own.request("PUT", "/v1/functions/hello", deployment(zipOf([{ name: "index.js" }])));
      await own.redisServer.stop();
      const response = await own.request("POST", PATH);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: "QUEUE_UNAVAILABLE" });
      const ready = await own.app.request("/readyz");
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ ready: false, checks: { redis: "does not answer" } });
      expect((await own.app.request("/healthz")).status).toBe(200);

      await own.redisServer.restart();
      await expect
        .poll(async () => (await own.request("GET", "/v1/functions")).status, { timeout: 10_000 })
        .toBe(200);
      // This Redis keeps nothing, so the function is new again.
      await own.request("PUT", "/v1/functions/hello", deployment(zipOf([{ name: "index.js" }])));
      await own.startWorker(() => ({ body: Buffer.from('"back"') }));
      await expect
        .poll(async () => (await own.request("POST", PATH)).text(), { timeout: 10_000 })
        .toBe('"back"');
    } finally {
      await own.end();
    }
  });
});

describe("GET /readyz", () => {
  it("is ready only while a worker consumes the queue", async () => {
    const state = async () => (await gateway.app.request("/readyz")).json();
    await expect.poll(state, { timeout: 5_000 }).toEqual({
      ready: false,
      checks: { gateway: "ok", redis: "ok", workers: "no worker consumes the queue" },
    });
    await gateway.startWorker(() => ({}));
    await expect
      .poll(state, { timeout: 5_000 })
      .toEqual({ ready: true, checks: { gateway: "ok", redis: "ok", workers: "ok" } });
  });
});
