import { describe, expect, it } from "vitest";
import { LIMITS, MayflyError } from "../../contract/index.ts";
import { type FixtureEntry, tarGzOf, zipOf } from "./archives.fixture.ts";
import type { BundleTree } from "./bundle-tree.ts";
import { judgeEntries } from "./judge-entries.ts";
import { readArchive } from "./read-archive.ts";

const judge = (archive: Buffer): Promise<BundleTree> => judgeEntries(readArchive(archive), archive.length);

async function refusal(archive: Buffer): Promise<MayflyError> {
  const outcome = await judge(archive).catch((error: unknown) => error);
  if (!(outcome instanceof MayflyError)) throw new Error("was not refused", { cause: outcome });
  return outcome;
}

const KINDS = [
  ["zip", zipOf],
  ["tar.gz", tarGzOf],
] as const;

interface Refused {
  what: string;
  entries: FixtureEntry[];
  reason: string;
  entry: string;
  code?: string;
}

const link = (name: string, content: string): FixtureEntry => ({ name, type: "symlink", content });

const REFUSED: Refused[] = [
  { what: "an absolute path", entries: [{ name: "/etc/passwd" }], reason: "absolute", entry: "/etc/passwd" },
  { what: "a Windows path", entries: [{ name: "C:/x.js" }], reason: "absolute", entry: "C:/x.js" },
  { what: "a path that climbs", entries: [{ name: "a/../../x" }], reason: '".."', entry: "a/../../x" },
  { what: "a leading ..", entries: [{ name: "../x" }], reason: '".."', entry: "../x" },
  { what: "an empty path part", entries: [{ name: "a//b" }], reason: "empty", entry: "a//b" },
  { what: "a . inside a path", entries: [{ name: "a/./b" }], reason: "empty", entry: "a/./b" },
  { what: "a backslash", entries: [{ name: "a\\b" }], reason: "backslash", entry: "a\\u{5c}b" },
  {
    what: "a name that is not UTF-8",
    entries: [{ name: Buffer.from([0x61, 0xff, 0x62]) }],
    reason: "not UTF-8",
    entry: "a\ufffdb",
  },
  {
    what: "a long path",
    entries: [{ name: `${"d/".repeat(600)}x` }],
    reason: "path longer than 1024",
    entry: `${"d/".repeat(100)}…`,
  },
  {
    what: "a long name",
    entries: [{ name: "n".repeat(256) }],
    reason: "name longer than 255",
    entry: `${"n".repeat(200)}…`,
  },
  { what: "a device", entries: [{ name: "null", type: "device" }], reason: "is a device", entry: "null" },
  {
    what: "a block device",
    entries: [{ name: "sda", type: "block device" }],
    reason: "device",
    entry: "sda",
  },
  { what: "a FIFO", entries: [{ name: "pipe", type: "FIFO" }], reason: "is a FIFO", entry: "pipe" },
  { what: "a setuid file", entries: [{ name: "su", mode: 0o4755 }], reason: "setuid", entry: "su" },
  { what: "a setgid file", entries: [{ name: "sg", mode: 0o2755 }], reason: "setgid", entry: "sg" },
  {
    what: "a sticky directory",
    entries: [{ name: "t/", type: "directory", mode: 0o1777 }],
    reason: "sticky",
    entry: "t/",
  },
  { what: "an absolute link", entries: [link("l", "/etc")], reason: "leaves the bundle", entry: "l" },
  { what: "a link that climbs out", entries: [link("a/l", "../../x")], reason: "leaves", entry: "a/l" },
  { what: "a link without a target", entries: [link("l", "")], reason: "without a target", entry: "l" },
  {
    what: "a link with a long target",
    entries: [link("l", "x/".repeat(600))],
    reason: "target longer than",
    entry: "l",
  },
  {
    what: "a link that leaves through another link",
    entries: [link("d/e/up", "../.."), link("out", "d/e/up/../x")],
    reason: "through other links",
    entry: "out",
  },
  {
    what: "a link that leads to itself",
    entries: [link("a", "b"), link("b", "a")],
    reason: "never ends",
    entry: "a",
  },
  {
    what: "an entry below a symlink",
    entries: [{ name: "d/x" }, link("l", "d"), { name: "l/y" }],
    reason: "below a symlink",
    entry: "l/y",
  },
  {
    what: "a symlink in the place of a directory",
    entries: [{ name: "d/x" }, link("d", "e")],
    reason: "same path as a directory",
    entry: "d",
  },
  {
    what: "an entry below a file",
    entries: [{ name: "f" }, { name: "f/x" }],
    reason: "below a file",
    entry: "f/x",
  },
  {
    what: "the same name twice",
    entries: [{ name: "a" }, { name: "./a" }],
    reason: "same path",
    entry: "./a",
  },
  {
    what: "names that are equal after Unicode NFC",
    entries: [{ name: "\u00e9.js" }, { name: "e\u0301.js" }],
    reason: "same path",
    entry: "e\u0301.js",
  },
  {
    what: "control characters, shown harmlessly",
    entries: [{ name: "/\u001b[2J\u202e\n" }],
    reason: "absolute",
    entry: "/\\u{1b}[2J\\u{202e}\\u{a}",
  },
  {
    what: "more unpacked bytes than the ratio allows",
    entries: [{ name: "zeros", content: Buffer.alloc(LIMITS.ratioFloorBytes + 1) }],
    reason: "100 times",
    entry: "zeros",
    code: "BUNDLE_TOO_LARGE",
  },
  {
    what: "many files that together break the ratio",
    entries: [1, 2, 3].map((n) => ({ name: `zeros${n}`, content: Buffer.alloc(LIMITS.ratioFloorBytes / 2) })),
    reason: "100 times",
    entry: "zeros3",
    code: "BUNDLE_TOO_LARGE",
  },
  {
    what: "too many entries",
    entries: Array.from({ length: LIMITS.bundleEntries + 1 }, (_, n) => ({ name: `f${n}` })),
    reason: "limit of 20000 entries",
    entry: `f${LIMITS.bundleEntries}`,
    code: "BUNDLE_TOO_LARGE",
  },
  {
    what: "too many folders that are only implied",
    entries: Array.from({ length: LIMITS.bundleEntries / 2 + 1 }, (_, n) => ({ name: `d${n}/f` })),
    reason: "limit of 20000 entries",
    entry: `d${LIMITS.bundleEntries / 2}/f`,
    code: "BUNDLE_TOO_LARGE",
  },
];

describe.each(KINDS)("judgeEntries() on a %s", (_, make) => {
  it.each(REFUSED.map((refused) => [refused.what, refused] as const))("refuses %s", async (_, refused) => {
    const { entries, reason, entry, code = "BUNDLE_ENTRY_REFUSED" } = refused;
    const error = await refusal(make(entries));
    expect(error.code).toBe(code);
    expect(error.message).toContain(reason);
    expect(error.details.entry).toBe(entry);
    expect(error.message).toContain(`"${entry}"`);
  });

  it("accepts what tar and zip ordinarily write", async () => {
    const tree = await judge(
      make([
        { name: "./", type: "directory" },
        { name: "./lib/", type: "directory" },
        { name: "./lib/", type: "directory" },
        { name: "./lib/run.sh", mode: 0o755, content: "#!/bin/sh\n" },
        { name: "./index.js", content: "export const handler = () => 1;" },
        { name: "node_modules/.bin/tool", type: "symlink", content: "../tool/cli.js" },
        { name: "node_modules/tool/cli.js" },
        { name: "README.md" },
        { name: "readme.md" },
        { name: "dangling", type: "symlink", content: "nowhere" },
      ]),
    );
    expect([...tree.nodes.keys()].sort()).toEqual([
      "README.md",
      "dangling",
      "index.js",
      "lib",
      "lib/run.sh",
      "node_modules",
      "node_modules/.bin",
      "node_modules/.bin/tool",
      "node_modules/tool",
      "node_modules/tool/cli.js",
      "readme.md",
    ]);
    expect(tree.nodes.get("lib/run.sh")).toMatchObject({ executable: true });
    expect(tree.nodes.get("index.js")).toMatchObject({ executable: false });
  });

  it("stores names and link targets in Unicode NFC", async () => {
    const tree = await judge(
      make([{ name: "e\u0301.js" }, { name: "l", type: "symlink", content: "e\u0301.js" }]),
    );
    expect([...tree.nodes.keys()]).toEqual(["\u00e9.js", "l"]);
    expect(tree.nodes.get("l")).toEqual({ type: "symlink", target: "\u00e9.js" });
  });

  it("accepts a large file up to the ratio's floor", async () => {
    const tree = await judge(make([{ name: "zeros", content: Buffer.alloc(LIMITS.ratioFloorBytes) }]));
    expect(tree.nodes.get("zeros")).toMatchObject({ type: "file" });
  });

  it("calls an archive that is cut off anywhere corrupt", async () => {
    const archive = make([{ name: "index.js", content: "export const handler = () => 'ephemeral';" }]);
    for (let length = 4; length < archive.length; length += 1) {
      const error = await refusal(archive.subarray(0, length));
      expect(error.code).toBe("BUNDLE_CORRUPT");
    }
  });
});

describe("judgeEntries() on a zip alone", () => {
  it("refuses an encrypted entry", async () => {
    const error = await refusal(zipOf([{ name: "secret.js", encrypted: true }]));
    expect(error).toMatchObject({ code: "BUNDLE_ENTRY_REFUSED", details: { entry: "secret.js" } });
  });

  it("refuses a NUL in a name", async () => {
    const error = await refusal(zipOf([{ name: "a\0.js" }]));
    expect(error).toMatchObject({ code: "BUNDLE_ENTRY_REFUSED", details: { entry: "a\\u{0}.js" } });
  });

  it("refuses a socket", async () => {
    expect((await refusal(zipOf([{ name: "s", type: "socket" }]))).message).toContain("is a socket");
  });

  it("counts the bytes that come out, not those that the headers claim", async () => {
    const bomb = { name: "zeros", content: Buffer.alloc(2 * LIMITS.ratioFloorBytes), claimedSize: 10 };
    expect((await refusal(zipOf([bomb]))).code).toBe("BUNDLE_TOO_LARGE");
  });

  it("calls an entry corrupt whose size or checksum is wrong", async () => {
    const wrongSize = await refusal(zipOf([{ name: "a", content: "four", claimedSize: 5 }]));
    expect(wrongSize).toMatchObject({ code: "BUNDLE_CORRUPT", details: { entry: "a" } });

    const archive = zipOf([{ name: "a", content: "four" }]);
    // The CRC in the central directory, which is the copy that counts.
    const crcAt = archive.indexOf("PK\x01\x02") + 16;
    archive.writeUInt8(archive.readUInt8(crcAt) ^ 1, crcAt);
    expect((await refusal(archive)).code).toBe("BUNDLE_CORRUPT");
  });

  it("calls an entry corrupt whose compressed bytes are damaged or lie outside the archive", async () => {
    const damaged = zipOf([{ name: "a", content: "four" }]);
    // The block's type bits behind name and 30 bytes of header: 3 is reserved (RFC 1951).
    damaged.writeUInt8(0xff, 31);
    expect(await refusal(damaged)).toMatchObject({ code: "BUNDLE_CORRUPT", details: { entry: "a" } });

    const outside = zipOf([{ name: "a", content: "four" }]);
    outside.writeUInt32LE(0xffff, outside.indexOf("PK\x01\x02") + 42);
    expect(await refusal(outside)).toMatchObject({ code: "BUNDLE_CORRUPT", details: { entry: "a" } });
  });
});

describe("judgeEntries() on a tar.gz alone", () => {
  it("refuses a hard link, even one to a file of the bundle", async () => {
    const error = await refusal(tarGzOf([{ name: "a" }, { name: "b", type: "hard link", content: "a" }]));
    expect(error).toMatchObject({ code: "BUNDLE_ENTRY_REFUSED", details: { entry: "b" } });
  });

  it("refuses an entry of a type that it does not know", async () => {
    const error = await refusal(tarGzOf([{ name: "s", type: "socket" }]));
    expect(error.message).toContain("unknown kind");
  });
});

describe("readArchive()", () => {
  it("refuses what is neither zip nor tar.gz by its first bytes", async () => {
    for (const bytes of ["", "PK", "plain text", "\x1f\x8b\x09"])
      expect(() => readArchive(Buffer.from(bytes, "latin1"))).toThrow(
        expect.objectContaining({ code: "BUNDLE_FORMAT_UNKNOWN" }),
      );
  });
});
