import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCgroupLayout } from "./cgroup-layout.ts";
import { probeMachine, requireSuitableMachine } from "./probe.ts";

describe("the probe", () => {
  it("finds everything on a machine on which the other tests run, and leaves no cgroup", () => {
    const findings = probeMachine();
    expect(findings.filter((finding) => !finding.ok)).toEqual([]);
    expect(findings.length).toBe(8);
    expect(probeMachine(["/"]).map(({ name }) => name)).toContain("io limits");
    requireSuitableMachine();
    expect(readdirSync(readCgroupLayout().unified).filter((name) => name.startsWith("mayfly-probe"))).toEqual(
      [],
    );
  });
});
