import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJson } from "./is-json.ts";

/** So long that it is scanned, not parsed. */
const PADDING = " ".repeat(20_000);

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("isJson()", () => {
  it("finds what JSON.stringify() writes to be JSON, however it is spaced", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), async (value, space) => {
        expect(await isJson(Buffer.from(PADDING + JSON.stringify(value, null, space)))).toBe(true);
      }),
    );
  });

  it("agrees with JSON.parse() on texts that are nearly JSON", async () => {
    const part = fc.constantFrom(
      ...["{", "}", "[", "]", ",", ":", '"a"', '"\\u00e9"', '"\\u12"', '"\\x"', '"\n"', "-", "0", "01", "12"],
      ...[
        "1.",
        ".5",
        "1.5e+3",
        "1e",
        "-0",
        "true",
        "nul",
        "null",
        " ",
        "\n",
        "\u00a0",
        "é",
        '"é"',
        '"',
        "\\",
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const text = parts.join("");
        expect(await isJson(Buffer.from(PADDING + text)), text).toBe(parses(text));
        expect(await isJson(Buffer.from(text)), text).toBe(parses(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses bytes that are not UTF-8, short and long", async () => {
    const bytes = Buffer.from([0x22, 0xff, 0x22]);
    expect(await isJson(bytes)).toBe(false);
    expect(await isJson(Buffer.concat([Buffer.from(PADDING), bytes]))).toBe(false);
  });

  it("takes nesting up to 16,384 and refuses more, without holding the event loop", async () => {
    const nested = (depth: number) => Buffer.from(PADDING + "[".repeat(depth) + "]".repeat(depth));
    expect(await isJson(nested(16_384))).toBe(true);
    expect(await isJson(nested(16_385))).toBe(false);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    expect(await isJson(Buffer.from(`[${"[],".repeat(1 << 20)}0]`))).toBe(true);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});
