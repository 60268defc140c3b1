import { expect, test } from "vitest";
import { parseVolumes } from "./parse-volumes.ts";

test("parseVolumes() takes names, folders and modes", () => {
  const { volumes, faults } = parseVolumes("models=/usr/lib:ro, scratch=/tmp:rw");
  expect(faults).toEqual([]);
  expect([...volumes]).toEqual([
    ["models", { folder: "/usr/lib", readOnly: true }],
    ["scratch", { folder: "/tmp", readOnly: false }],
  ]);
});

test("parseVolumes() takes nothing for none", () => {
  expect(parseVolumes("")).toEqual({ volumes: new Map(), faults: [] });
});

test.each([
  ["models", "must look like"],
  ["models=/tmp", "must look like"],
  ["Models=/tmp:ro", "must begin with a name"],
  ["=/tmp:ro", "must begin with a name"],
  ["a=/tmp:rx", ":ro or :rw"],
  ["a=tmp:ro", "absolute path"],
  ["a=/:ro", "absolute path"],
  ["a=/usr/../etc:ro", "absolute path"],
  ["a=/usr//lib:ro", "absolute path"],
  ["a=/usr/.:ro", "absolute path"],
  ["a=/etc/passwd:ro", "does not exist"],
  ["a=/not/there:ro", "does not exist"],
])("parseVolumes() refuses %s", (text, reason) => {
  const { volumes, faults } = parseVolumes(text);
  expect(volumes.size).toBe(0);
  expect(faults).toEqual([expect.stringContaining(reason)]);
});

test("parseVolumes() names every fault at once", () => {
  const { volumes, faults } = parseVolumes("a=/tmp:ro,a=/tmp:rw,b=/nope:ro");
  expect(volumes.size).toBe(0);
  expect(faults).toEqual([
    '"a=/tmp:rw" has the name of a volume before it',
    '"b=/nope:ro" names a folder that does not exist',
  ]);
});
