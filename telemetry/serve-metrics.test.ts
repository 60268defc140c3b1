import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it } from "vitest";
import { metricsAddress, metricsPort } from "./metrics-address.ts";
import { serveMetrics } from "./serve-metrics.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(port = 0) {
  const served = await serveMetrics({ host: "127.0.0.1", port });
  closers.push(served.close);
  const meter = new MeterProvider({ readers: [served.reader] }).getMeter("test");
  return { ...served, meter };
}

describe("serveMetrics()", () => {
  it("puts units into names as Prometheus has them, once", async () => {
    const { url, meter } = await serve();
    meter.createHistogram("a.duration", { unit: "s" }).record(0.25);
    meter.createCounter("b.time", { unit: "s" }).add(2);
    meter.createCounter("c", { unit: "{thing}" }).add(3);
    meter.createGauge("d.share", { unit: "1" }).record(0.5);
    meter.createGauge("e.waiting.bytes", { unit: "By" }).record(7, { "my.label": 'a"b' });
    const text = await (await fetch(url)).text();
    expect(text).toContain("a_duration_seconds_sum 0.25");
    expect(text).toContain("b_time_seconds_total 2");
    expect(text).toContain("\nc_total 3");
    expect(text).toContain("d_share_ratio 0.5");
    expect(text).toContain('e_waiting_bytes{my_label="a\\"b"} 7');
    expect(text).not.toContain("bytes_bytes");
  });

  it("has nothing else", async () => {
    const { url } = await serve();
    expect((await fetch(url.replace("/metrics", "/"))).status).toBe(404);
    expect((await fetch(url, { method: "POST" })).status).toBe(404);
  });

  it("says which port is taken, and what to do", async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    await expect(serveMetrics({ host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      message: expect.stringMatching(new RegExp(`port ${port} \\(EADDRINUSE\\): choose another`)),
    });
  });
});

describe("the address", () => {
  it("may be off", () => {
    expect(metricsAddress("::1", metricsPort.parse("off"))).toBeUndefined();
    expect(metricsAddress("::1", metricsPort.parse("0"))).toEqual({ host: "::1", port: 0 });
    for (const wrong of ["", "on", "-1", "65536", "1.5"])
      expect(metricsPort.safeParse(wrong).success).toBe(false);
  });
});
