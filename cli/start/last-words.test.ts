import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastWords } from "./last-words.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mayfly-log-"));
  file = join(folder, "a.log");
});
afterEach(() => rm(folder, { recursive: true }));

test("lastWords() prefers the last logged error to what came after it", async () => {
  const lines = [
    { level: 50, msg: "older" },
    { level: 60, msg: "cannot start", err: { message: "no cgroup" } },
    { level: 30, msg: "bye" },
  ];
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  expect(await lastWords(file)).toBe("cannot start: no cgroup");
});

test("lastWords() finds the message of an error that nobody caught above its stack", async () => {
  await writeFile(
    file,
    "file:///x.ts:3\n  throw e;\n\nTypeError: oops: it is undefined\n    at f (x.ts:3)\n\nNode.js v24\n",
  );
  expect(await lastWords(file)).toBe("TypeError: oops: it is undefined");
});

test("lastWords() falls back to the last line, and says so when there is none", async () => {
  await writeFile(file, "one\ntwo\n\n");
  expect(await lastWords(file)).toBe("two");
  await writeFile(file, "");
  expect(await lastWords(file)).toBe("it logged nothing");
});
