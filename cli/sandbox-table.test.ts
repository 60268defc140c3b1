import { describe, expect, it } from "vitest";
import type { SandboxStatus } from "../contract/index.ts";
import { formatAge, parkedSentence, sandboxTable } from "./sandbox-table.ts";

const parked: SandboxStatus = {
  id: "nodejs24-2",
  runtime: "nodejs24",
  network: "none",
  state: "parked",
  sinceMs: 1_000,
  pids: [70, 71],
  cpuUs: 5_000,
  memoryPeakBytes: 12 * 1024 * 1024,
};
const lease = {
  functionName: "hello",
  invocationId: "i-1",
  cpu: 1,
  memoryMb: 128,
  pids: 64,
  timeoutMs: 3000,
};
const running: SandboxStatus = { ...parked, id: "nodejs24-1", state: "running", lease };

describe("sandboxTable()", () => {
  it("has a line for each sandbox, with what it uses beside what it may", () => {
    const lines = sandboxTable([running, parked], 3_500, ({ cpuUs }) => `${cpuUs / 1000} ms`).split("\n");
    expect(lines[0]).toMatch(/^SANDBOX\s+STATE\s+FUNCTION\s+INVOCATION\s+PID\s+AGE\s+CPU/);
    expect(lines[1]).toMatch(
      /^nodejs24-1\s+running\s+hello\s+i-1\s+71\s+2\.5s\s+5 ms\s+12\/128 MiB\s+2\/64$/,
    );
    expect(lines[2]).toMatch(/^nodejs24-2\s+parked\s+-\s+-\s+71\s+2\.5s\s+5 ms\s+12 MiB\s+2$/);
  });

  it("ages are in the unit that a person would use", () => {
    expect([0, 90_000, 600_000, 10_800_000].map(formatAge)).toEqual(["0.0s", "90.0s", "10m", "3h"]);
  });

  it("parked ones are counted by kind", () => {
    const out: SandboxStatus = { ...parked, network: "egress" };
    expect(parkedSentence([running, parked, parked, out])).toBe(
      "2 parked of nodejs24, 1 parked of nodejs24 with egress",
    );
  });
});
