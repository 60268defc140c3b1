/** One invocation, one trace: from the caller through gateway, queue, worker and sandbox to the function and back. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../cli/api-client.ts";
import { deployFolder } from "../cli/deploy-folder.ts";
import { type LaunchedService, launchService } from "./support/launched-service.ts";
import { type OtlpReceiver, type ReceivedSpan, receiveOtlp } from "./support/otlp-receiver.ts";

const HANDLER = `
export const handler = async ({ waitMs = 0, fail = false }, context) => {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (fail) throw new TypeError("as asked");
  const { TRACEPARENT, TRACESTATE } = process.env;
  return { TRACEPARENT, TRACESTATE, traceparent: context.traceparent, tracestate: context.tracestate };
};
`;
const CALLERS_TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLERS_SPAN = "b7ad6b7169203331";
const TRACEPARENT = `00-${CALLERS_TRACE}-${CALLERS_SPAN}-01`;

const durationOf = ({ startMs, endMs }: ReceivedSpan) => endMs - startMs;

/** Those without children: what they take is nowhere else. The teardown comes after the answer. */
function phasesOf(spans: ReceivedSpan[]): ReceivedSpan[] {
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  return spans.filter(({ name, spanId }) => !parents.has(spanId) && name !== "teardown");
}

async function deployTraced(service: LaunchedService): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "mayfly-traced-"));
  try {
    await writeFile(join(folder, "index.mjs"), HANDLER);
    await writeFile(join(folder, "mayfly.json"), "{}");
    await deployFolder(await createClient({ url: service.url }, service.clientEnv), folder, "traced");
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function call(service: LaunchedService, event: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}/v1/functions/traced/invocations`, {
    method: "POST",
    headers: { "X-Api-Key": service.clientEnv.MAYFLY_API_KEY ?? "", ...headers },
    body: JSON.stringify(event),
  });
  // biome-ignore lint/suspicious/noExplicitAny: what the function above returns, or a problem.
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

const isComplete = (spans: ReceivedSpan[]) =>
  ["reply", "teardown", "process mayfly-invocations"].every((name) =>
    spans.some((span) => span.name === name),
  ) && spans.some(({ name }) => name.startsWith("POST"));

describe("with a collector", () => {
  let receiver: OtlpReceiver;
  let service: LaunchedService;
  beforeAll(async () => {
    receiver = await receiveOtlp();
    service = await launchService(`traced-${process.pid}`, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
    });
    await deployTraced(service);
  });
  afterAll(async () => {
    await service?.stop();
    receiver?.close();
    await service?.removeData();
  });

  it("an invocation is one trace, whose spans add up to the time that HTTP took", async () => {
    await call(service, {});
    const { status, headers } = await call(service, { waitMs: 100 });
    expect(status).toBe(200);
    const [, traceId = "", rootId] = headers.get("traceresponse")?.split("-") ?? [];
    const spans = await receiver.trace(traceId, isComplete);

    expect(spans.map(({ name }) => name).sort()).toEqual([
      "POST /v1/functions/{name}/invocations",
      "enter",
      "init",
      "invoke",
      "lease",
      "limit",
      "mount",
      "open bundle",
      "process mayfly-invocations",
      "queue",
      "receive",
      "reply",
      "run",
      "send mayfly-invocations",
      "settle",
      "teardown",
    ]);
    const [root, ...others] = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(others).toEqual([]);
    expect(root?.spanId).toBe(rootId);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    for (const { parentSpanId } of spans) if (parentSpanId !== undefined) expect(ids).toContain(parentSpanId);

    const sum = phasesOf(spans).reduce((ms, span) => ms + durationOf(span), 0);
    expect(sum / durationOf(root as ReceivedSpan)).toBeGreaterThan(0.9);
    expect(sum / durationOf(root as ReceivedSpan)).toBeLessThan(1.1);
    expect(root?.attributes).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/v1/functions/{name}/invocations",
      "http.response.status_code": 200,
      "faas.trigger": "http",
      "faas.name": "traced",
      "mayfly.verdict": "ok",
      "faas.invocation_id": headers.get("x-mayfly-invocation-id"),
    });
    expect(new Set(spans.map((span) => span.service))).toEqual(new Set(["mayfly-gateway", "mayfly-worker"]));
  });

  it("a caller's trace goes on in ours, and in the function's", async () => {
    const { body } = await call(service, {}, { traceparent: TRACEPARENT, tracestate: "vendor=1" });
    const spans = await receiver.trace(CALLERS_TRACE, isComplete);
    expect(spans.find(({ name }) => name.startsWith("POST"))?.parentSpanId).toBe(CALLERS_SPAN);
    const invoke = spans.find(({ name }) => name === "invoke");
    expect(body.TRACEPARENT).toBe(`00-${CALLERS_TRACE}-${invoke?.spanId}-01`);
    expect(body.TRACESTATE).toBe("vendor=1");
    expect([body.traceparent, body.tracestate]).toEqual([body.TRACEPARENT, body.TRACESTATE]);
  });

  it("a failed invocation's spans say so, and never with the function's words", async () => {
    const { status, headers } = await call(service, { fail: true });
    expect(status).toBe(502);
    const spans = await receiver.trace(headers.get("traceresponse")?.split("-")[1] ?? "", isComplete);
    const process = spans.find(({ name }) => name.startsWith("process"));
    expect(process?.attributes).toMatchObject({
      "error.type": "function_error",
      "mayfly.verdict": "function_error",
    });
    expect(JSON.stringify(spans)).not.toContain("as asked");
  });

  it("log lines of an invocation have its trace's id", async () => {
    const { headers } = await call(service, {});
    const [, traceId = ""] = headers.get("traceresponse")?.split("-") ?? [];
    await receiver.trace(traceId, isComplete);
    const log = await readFile(join(service.dataDir, "logs/worker.log"), "utf8");
    const line = log
      .split("\n")
      .find((text) => text.includes(headers.get("x-mayfly-invocation-id") ?? "none"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ trace_id: traceId, verdict: "ok" });
  });
});

describe("without a collector", () => {
  it("one that is configured and away harms nothing, and the log says so once", async () => {
    const service = await launchService(`away-${process.pid}`, {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=a-secret-of-the-collector",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    });
    try {
      await deployTraced(service);
      for (let i = 0; i < 20; i++) expect((await call(service, { waitMs: 50 })).status).toBe(200);
      await service.stop();
      for (const name of ["gateway", "worker"]) {
        const log = await readFile(join(service.dataDir, `logs/${name}.log`), "utf8");
        expect(log.match(/telemetry cannot be sent/g)).toHaveLength(1);
        expect(log).not.toContain("a-secret-of-the-collector");
      }
    } finally {
      await service.removeData();
    }
  });

  it("nothing is traced, and a caller's trace still reaches the function", async () => {
    const service = await launchService(`untraced-${process.pid}`);
    try {
      await deployTraced(service);
      const { headers, body } = await call(service, {}, { traceparent: TRACEPARENT });
      expect(headers.get("traceresponse")).toBeNull();
      expect(body).toEqual({ TRACEPARENT, traceparent: TRACEPARENT });
      const malformed = await call(service, {}, { traceparent: "00-zz-1-01" });
      expect(malformed.body).toEqual({});
      await service.stop();
      expect(await readFile(join(service.dataDir, "logs/worker.log"), "utf8")).not.toContain("trace_id");
    } finally {
      await service.removeData();
    }
  });
});
