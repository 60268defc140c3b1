import fc from "fast-check";
import { expect, test } from "vitest";
import { type CodeFile, decodeCodeFiles } from "./code-files.ts";

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const encode = (files: CodeFile[]): Buffer =>
  Buffer.concat(files.flatMap(({ name, bytes }) => [sized(Buffer.from(name)), sized(bytes)]));

const NAME = "v24.21.0-x64-0ed0f946-1000/5fa4e60a";

test("what is encoded comes back", () => {
  const files = fc.array(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ name: NAME, bytes: Buffer.from(bytes) })),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(files, (some) => {
      expect(decodeCodeFiles(encode(some))).toEqual(some);
    }),
  );
});

test.each([
  "../5fa4e60a",
  "/5fa4e60a",
  "a/../b",
  "v24/5fa4e60a/1",
  "v24",
  ".v24/5fa4e60a",
  "v24/5fa4\0e60a",
  "",
])("refuses the name %j", (name) => {
  const body = encode([{ name, bytes: Buffer.from("x") }]);
  expect(() => decodeCodeFiles(body)).toThrow("a name leads elsewhere");
});

test("whatever a stranger sends is files or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeCodeFiles(Buffer.from(bytes));
      } catch (error) {
        expect((error as { code: string }).code).toBe("FUNCTION_INIT_FAILED");
      }
    }),
  );
  const whole = encode([{ name: NAME, bytes: Buffer.from("abc") }]);
  for (let length = 1; length < whole.length; length++)
    expect(() => decodeCodeFiles(whole.subarray(0, length))).toThrow("Cannot take compiled code");
});
