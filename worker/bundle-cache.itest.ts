import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openBundleCache } from "./bundle-cache.ts";

let root: string;
let packedFolder: string;
let cacheFolder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mayfly-cache-"));
  packedFolder = root;
  cacheFolder = join(root, "cache");
});
afterEach(() => rm(root, { recursive: true }));

const HELLO = Buffer.from("hello");

/** Stores a packed bundle as the gateway does; `digest` other than its own makes it a wrong one. */
async function store(entries: object[], contents: Buffer, digest?: string): Promise<string> {
  const manifest = Buffer.from(JSON.stringify({ format: "mayfly-bundle-1", entries }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(manifest.length);
  const packed = Buffer.concat([length, manifest, contents]);
  const name = digest ?? createHash("sha256").update(packed).digest("hex");
  await writeFile(join(packedFolder, name), packed);
  return name;
}

const file = (path: string, content: Buffer, executable = false) => ({
  type: "file",
  path,
  size: content.length,
  executable,
});
const link = (path: string, target: string) => ({ type: "symlink", path, target });
const openCache = (maxBytes = 1 << 20) => openBundleCache({ packedFolder, cacheFolder, maxBytes });

describe("the bundle cache", () => {
  test("unpacks files, folders and links, and nobody can write them", async () => {
    const entries = [
      file("bin/run", HELLO, true),
      { type: "directory", path: "empty" },
      file("index.js", HELLO),
      link("l", "bin/run"),
    ];
    const digest = await store(entries, Buffer.concat([HELLO, HELLO]));
    const { folder } = await (await openCache()).open(digest);
    expect(await readFile(join(folder, "index.js"), "utf8")).toBe("hello");
    expect(await readlink(join(folder, "l"))).toBe("bin/run");
    const modeOf = async (path: string) => (await lstat(join(folder, path))).mode & 0o7777;
    expect(await modeOf("bin/run")).toBe(0o555);
    expect(await modeOf("index.js")).toBe(0o444);
    expect(await modeOf("empty")).toBe(0o555);
    expect(await modeOf("bin")).toBe(0o555);
    expect(await modeOf(".")).toBe(0o555);
  });

  test("unpacks once for callers at the same time", async () => {
    const digest = await store([file("a", HELLO)], HELLO);
    const cache = await openCache();
    const opened = await Promise.all([1, 2, 3].map(() => cache.open(digest)));
    expect(new Set(opened.map(({ folder }) => folder)).size).toBe(1);
    expect(await readdir(cacheFolder)).toHaveLength(1);
  });

  test.each([
    ["whose content has another digest", [file("a", HELLO)], HELLO, "a".repeat(64), "BUNDLE_DIGEST_MISMATCH"],
    [
      "that is shorter than its manifest says",
      [file("a", HELLO)],
      HELLO.subarray(1),
      undefined,
      "BUNDLE_UNAVAILABLE",
    ],
    [
      "that is longer than its manifest says",
      [file("a", HELLO)],
      Buffer.from("hello!"),
      undefined,
      "BUNDLE_UNAVAILABLE",
    ],
    ["with a path that climbs out", [file("../a", HELLO)], HELLO, undefined, "BUNDLE_UNAVAILABLE"],
    [
      "with a link that leaves it",
      [link("a", "../../etc")],
      Buffer.alloc(0),
      undefined,
      "BUNDLE_UNAVAILABLE",
    ],
    [
      "with a file below a link",
      [link("a", "b"), file("a/x", HELLO)],
      HELLO,
      undefined,
      "BUNDLE_UNAVAILABLE",
    ],
    [
      "with one name twice",
      [file("a", HELLO), file("a", HELLO)],
      Buffer.concat([HELLO, HELLO]),
      undefined,
      "BUNDLE_UNAVAILABLE",
    ],
    ["with a device", [{ type: "device", path: "a" }], Buffer.alloc(0), undefined, "BUNDLE_UNAVAILABLE"],
  ])("refuses a bundle %s and leaves nothing of it", async (_title, entries, contents, wrongDigest, code) => {
    const digest = await store(entries, contents, wrongDigest);
    const cache = await openCache();
    await expect(cache.open(digest)).rejects.toMatchObject({ code });
    expect(await readdir(cacheFolder)).toEqual([]);
  });

  test("tries again after a bundle that was not there", async () => {
    const digest = await store([file("a", HELLO)], HELLO);
    const packed = await readFile(join(packedFolder, digest));
    await rm(join(packedFolder, digest));
    const cache = await openCache();
    await expect(cache.open(digest)).rejects.toMatchObject({ code: "BUNDLE_UNAVAILABLE" });
    await writeFile(join(packedFolder, digest), packed);
    await expect(cache.open(digest)).resolves.toHaveProperty("folder");
  });

  test("evicts what was unused for longest and never what is in use", async () => {
    const digests = [];
    for (const name of ["a", "b", "c"]) digests.push(await store([file(name, HELLO)], HELLO));
    const [a, b, c] = digests as [string, string, string];
    const cache = await openCache(2 * HELLO.length);
    await cache.open(a);
    const openedB = await cache.open(b);
    openedB.release();
    await cache.open(c);
    expect((await readdir(cacheFolder)).map((name) => name.slice(0, 64)).sort()).toEqual([a, c].sort());
  });

  test("starts empty, whatever an earlier worker left", async () => {
    const digest = await store([file("a", HELLO)], HELLO);
    await (await openCache()).open(digest);
    await openCache();
    expect(await readdir(cacheFolder)).toEqual([]);
  });
});
