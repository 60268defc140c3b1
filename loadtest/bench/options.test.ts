import { describe, expect, it } from "vitest";
import { readOptions, UsageError } from "./options.ts";
import { SUITES } from "./results.ts";

describe("readOptions()", () => {
  it("runs everything, in full, when nothing is said", () => {
    expect(readOptions([])).toEqual({
      json: false,
      quick: false,
      write: false,
      only: [...SUITES],
      soak: undefined,
    });
  });
  it("takes some suites, in the order in which they run", () => {
    expect(readOptions(["--only", "soak, noop,noop", "--json"])).toMatchObject({
      only: ["noop", "soak"],
      json: true,
    });
  });
  it.each([
    [["--fast"], /--fast/],
    [["noop"], /noop/],
    [["--only", "noop,hullo"], /no suite "hullo": choose from noop, hello/],
    [["--only", ""], /no suite ""/],
    [["--soak", "5"], /at least 10/],
    [["--soak", "many"], /whole number/],
    [["--write", "--only", "noop"], /whole run/],
  ])("refuses %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
    expect(() => readOptions(args)).toThrow(UsageError);
  });
  it("knows when somebody wants help", () => {
    expect(readOptions(["--help"])).toBe("help");
  });
});
