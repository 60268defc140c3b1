import { describe, expect, it } from "vitest";
import { readOptions, USAGE, UsageError } from "./options.ts";
import { SCENARIO_NAMES } from "./scenarios.ts";

describe("readOptions()", () => {
  it("takes a scenario, and what changes it", () => {
    expect(
      readOptions(["warm", "--rate", "40", "--duration", "2m", "--url", "http://h:1/"], {}),
    ).toMatchObject({ scenario: "warm", rate: 40, duration: "2m", url: "http://h:1", against: undefined });
    expect(readOptions(["smoke"], { MAYFLY_URL: "http://m" })).toMatchObject({ url: "http://m" });
    expect(readOptions(["smoke"], { MAYFLY_URL: "" })).toMatchObject({ url: undefined });
    expect(readOptions(["--help"], {})).toBe("help");
  });

  it.each([
    [[], /which scenario/],
    [["storm"], /no scenario "storm": choose from smoke/],
    [["smoke", "ramp"], /One scenario/],
    [["smoke", "--rate", "0"], /--rate/],
    [["smoke", "--duration", "30"], /--duration must be such as 30s/],
    [["smoke", "--duration", "0s"], /--duration/],
    [["payload", "--duration", "30s"], /payload has no --duration: its loads follow/],
    [["burst", "--rate", "30"], /burst has no --rate/],
    [["smoke", "--fast"], /--fast/],
  ])("refuses %j", (args, message) => {
    expect(() => readOptions(args, {})).toThrow(UsageError);
    expect(() => readOptions(args, {})).toThrow(message);
  });

  it("the usage names every scenario", () => {
    for (const name of SCENARIO_NAMES) expect(USAGE).toMatch(new RegExp(`^ {2}${name} `, "m"));
  });
});
