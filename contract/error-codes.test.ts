import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "./error-codes.ts";

const text = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");

/** Code → what stands between its heading and the next one. */
const entries = new Map(
  text
    .split(/^### /m)
    .slice(1)
    .map((part): [string, string] => {
      const [code = "", ...body] = part.split("\n");
      return [code.trim(), body.join("\n").split(/^## /m)[0] ?? ""];
    }),
);

describe("error codes", () => {
  it("each has an entry in docs/errors.md, and each entry is a code", () => {
    const codes = Object.keys(ERROR_CODES);
    expect(codes.length).toBeGreaterThan(0);
    expect([...entries.keys()].sort()).toEqual(codes.sort());
    expect(text.match(/^### /gm)).toHaveLength(codes.length);
  });

  it.each([...entries])("the entry of %s says meaning, cause and cure", (_code, body) => {
    for (const part of ["**Meaning:**", "**Cause:**", "**Cure:**"])
      expect(body.replaceAll("\n", " ")).toContain(part);
  });

  it.each(Object.entries(ERROR_CODES).filter(([, { component }]) => component === "gateway"))(
    "the entry of %s begins with the status that callers get",
    (code, { httpStatus }) => {
      /* The status of a failed invocation is its verdict's. */
      const start = code === "INVOCATION_FAILED" ? "**Meaning:**" : `${httpStatus}`;
      expect(entries.get(code)?.trim().startsWith(start)).toBe(true);
    },
  );
});
