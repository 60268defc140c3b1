import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { planOf } from "./plan.ts";
import { FUNCTION_FOLDERS, RAMP, SCENARIO_NAMES, scenarioOf } from "./scenarios.ts";

const LOADTEST = fileURLToPath(new URL("..", import.meta.url));

describe.each(SCENARIO_NAMES.filter((name) => name !== "ramp"))("scenario %s", (name) => {
  const { loads, promises } = scenarioOf(name);
  const plan = planOf("http://h", loads, promises, ["ok"]);

  it("calls functions that have a folder", () => {
    const functions = Object.values(plan.calls).flatMap((call) => call.functions);
    expect(functions.length).toBeGreaterThan(0);
    for (const called of functions)
      expect(existsSync(join(LOADTEST, FUNCTION_FOLDERS[called] ?? "?", "mayfly.json"))).toBe(true);
  });

  it("ends by itself, and promises something of loads that it has", () => {
    for (const load of Object.values(loads))
      expect("duration" in load ? load.duration : load.maxDuration).toMatch(/^\d+[sm]$/);
    expect(promises.length).toBeGreaterThan(0);
    for (const { metric } of promises) {
      const [, load] = /\{scenario:(.+)\}$/.exec(metric) ?? [];
      if (load !== undefined) expect(Object.keys(loads)).toContain(load);
    }
    const thresholds = plan.options.thresholds as Record<string, string[]>;
    for (const { metric, threshold, by } of promises) {
      if (by === "service") expect(threshold).toMatch(/^increase(==|>=)\d+$/);
      else expect(thresholds[metric]).toContain(threshold);
    }
  });
});

describe("planOf()", () => {
  it("shares calls by Zipf's law: the second function gets half of the first's", () => {
    const { loads, promises } = scenarioOf("mixed");
    const call = planOf("http://h", loads, promises, []).calls.mixed;
    const [first = 0, second = 0] = call?.cumulative ?? [];
    expect((second - first) / first).toBeCloseTo(0.5);
    expect(call?.cumulative.at(-1)).toBe(1);
    expect(call?.cumulative).toHaveLength(20);
  });
});

describe("SPECIFICATION.md", () => {
  const text = readFileSync(new URL("../../SPECIFICATION.md", import.meta.url), "utf8");
  const promised = (name: string) =>
    new RegExp(`^\\| \`${name}\`.*\\| ([<≥]) ([\\d,]+) .*\\|$`, "m").exec(text)?.slice(1) ?? [];

  it.each(SCENARIO_NAMES.filter((name) => name !== "ramp"))("says the p99 that %s promises", (name) => {
    const limits = scenarioOf(name).promises.flatMap(
      ({ threshold }) => /^p\(99\)<(\d+)$/.exec(threshold)?.[1] ?? [],
    );
    expect(limits).toHaveLength(1);
    expect(promised(name)).toEqual(["<", Number(limits[0]).toLocaleString("en-US")]);
  });

  it("says the rate that ramp promises", () => {
    expect(promised("ramp")).toEqual(["≥", `${RAMP.minRate}`]);
    expect(text).toContain(`p99 < ${RAMP.p99Ms} ms and no failure`);
  });
});
