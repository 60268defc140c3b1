/** The small calculations of single suites. */
import { describe, expect, it } from "vitest";
import { cpuPerInvocation, nameOf } from "./cpu-times.ts";
import { parseResponse } from "./keep-alive-client.ts";
import { meanMemory, sumOf } from "./parked-memory.ts";
import { driftOf } from "./soak.ts";

describe("driftOf()", () => {
  it("compares the last tenth with the first, by their medians", () => {
    const times = [...Array(10).fill(2), ...Array(80).fill(100), ...Array(9).fill(3), 1000];
    expect(driftOf(times)).toBe(1.5);
  });
});

describe("parseResponse()", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
  it("waits until all of the body is there", () => {
    const whole = `${head}Content-Length: 4\r\n\r\n"ok"`;
    for (let length = 0; length < whole.length; length++)
      expect(parseResponse(whole.slice(0, length))).toBeUndefined();
    expect(parseResponse(whole)).toEqual({ status: 200, body: '"ok"' });
  });
  it("reads a body in one chunk", () => {
    const whole = `${head}Transfer-Encoding: chunked\r\n\r\n4\r\n"ok"\r\n0\r\n\r\n`;
    expect(parseResponse(whole.slice(0, -1))).toBeUndefined();
    expect(parseResponse(whole)).toEqual({ status: 200, body: '"ok"' });
  });
});

describe("cpuPerInvocation()", () => {
  const times = (worker: number, sandboxes: number, machine: number) => ({
    processes: { worker, idle: 7 },
    sandboxes,
    kernelThreads: 0,
    machine,
  });
  it("shares what each spent, leaves the load generator out, and shows what is nobody's", () => {
    expect(cpuPerInvocation(times(100, 50, 1000), times(300, 450, 2000), 300, 100)).toEqual({
      worker: 2,
      sandboxes: 4,
      kernelThreads: 0,
      rest: 1,
    });
  });
  it("names processes by what they run", () => {
    expect(nameOf("/build/mayfly-spawner\0/usr/bin/node\0zygote.js", "mayfly-spawner")).toBe("spawner");
    expect(nameOf("/usr/bin/node\0/var/runtime/runtimes/node/guest/zygote.js", "node")).toBe("zygote");
    expect(nameOf("node\0--import\0x\0worker/main.ts", "node")).toBe("worker");
    expect(nameOf("redis-server unixsocket:/x", "redis-server")).toBe("redis");
  });
});

describe("parked memory", () => {
  const rollup = "Rss:  900 kB\nPss:   300 kB\nPrivate_Clean:     20 kB\nPrivate_Dirty:    200 kB\n";
  it("adds up the fields of smaps_rollup, and refuses one that lacks them", () => {
    expect(sumOf(rollup, ["Private_Clean", "Private_Dirty"])).toBe(220);
    expect(() => sumOf("Rss: 1 kB\n", ["Pss"])).toThrow("no Pss");
  });
  it("is the mean of the sandboxes", () => {
    const [a, b] = [
      { privateBytes: 1, pssBytes: 10 },
      { privateBytes: 3, pssBytes: 11 },
    ];
    expect(meanMemory([a, b])).toEqual({ privateBytes: 2, pssBytes: 11 });
  });
});
