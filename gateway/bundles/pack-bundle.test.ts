import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundleManifest, linkStaysInside } from "../../contract/index.ts";
import { type FixtureEntry, tarGzOf, zipOf } from "./archives.fixture.ts";
import { judgeEntries } from "./judge-entries.ts";
import { type PackedBundle, packBundle } from "./pack-bundle.ts";
import { readArchive } from "./read-archive.ts";

const pack = async (archive: Buffer): Promise<PackedBundle> =>
  packBundle(await judgeEntries(readArchive(archive), archive.length));

const manifestOf = (packed: PackedBundle) => bundleManifest.parse(JSON.parse(String(packed.parts[1])));

/** Mostly harmless names, some dangerous: chosen so that a good part of the archives is accepted. */
const part = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c.js", "é", "e\u0301", "𝒳", "\uffee", "A", "a-b") },
  { weight: 1, arbitrary: fc.constantFrom("..", ".", "", "\\", "\u0001") },
);
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const entry: fc.Arbitrary<FixtureEntry> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ name: path, content: fc.string(), mode: fc.constantFrom(0o644, 0o755) }),
  },
  { weight: 2, arbitrary: path.map((name) => ({ name: `${name}/`, type: "directory" as const })) },
  { weight: 2, arbitrary: fc.record({ name: path, type: fc.constant("symlink" as const), content: path }) },
);
const archiveEntries = fc.array(entry, { maxLength: 6 });

describe("packBundle()", () => {
  it("gives zip and tar.gz of the same files the same digest, or refuses both alike", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(archiveEntries, async (entries) => {
        const [zip, tar] = await Promise.allSettled([pack(zipOf(entries)), pack(tarGzOf(entries))]);
        expect(zip.status).toBe(tar.status);
        if (zip.status === "rejected" || tar.status === "rejected") {
          expect(zip).toMatchObject({ reason: { message: (tar as PromiseRejectedResult).reason.message } });
          return;
        }
        accepted += 1;
        expect(zip.value.digest).toBe(tar.value.digest);
      }),
      { numRuns: 400 },
    );
    // Were nearly everything refused, the property would say nothing.
    expect(accepted).toBeGreaterThan(50);
  });

  it("never packs a path or a link that leads outside", async () => {
    await fc.assert(
      fc.asyncProperty(archiveEntries, async (entries) => {
        const packed = await pack(zipOf(entries)).catch(() => undefined);
        if (!packed) return;
        // The manifest's schema refuses absolute paths and ".." parts on its own.
        const manifest = manifestOf(packed);
        const types = new Map(manifest.entries.map((e) => [e.path, e.type]));
        for (const e of manifest.entries) {
          expect(e.path).toBe(e.path.normalize("NFC"));
          if (e.type === "symlink") expect(linkStaysInside(e.path, e.target)).toBe(true);
          const slash = e.path.lastIndexOf("/");
          if (slash > 0) expect(types.get(e.path.slice(0, slash))).toBe("directory");
        }
        expect(types.size).toBe(manifest.entries.length);
      }),
      { numRuns: 400 },
    );
  });

  it("does not depend on the order of the archive's entries", async () => {
    const entries = ["b/x", "a", "𝒳", "\uffee", "b/a", "a-b"].map((name) => ({ name, content: name }));
    const packed = await pack(zipOf(entries));
    expect((await pack(tarGzOf(entries.toReversed()))).digest).toBe(packed.digest);
    // By UTF-8 bytes: U+FFEE before U+1D4B3, which is the other way round in UTF-16.
    expect(manifestOf(packed).entries.map((e) => e.path)).toEqual([
      "a",
      "a-b",
      "b",
      "b/a",
      "b/x",
      "\uffee",
      "𝒳",
    ]);
  });

  it("puts the contents behind the manifest in its order and digests all bytes", async () => {
    const packed = await pack(
      zipOf([
        { name: "z.js", content: "last" },
        { name: "a.sh", content: "first", mode: 0o700 },
      ]),
    );
    const bytes = Buffer.concat(packed.parts);
    const manifestLength = bytes.readUInt32LE(0);
    expect(JSON.parse(bytes.subarray(4, 4 + manifestLength).toString())).toEqual({
      format: "mayfly-bundle-1",
      entries: [
        { type: "file", path: "a.sh", size: 5, executable: true },
        { type: "file", path: "z.js", size: 4, executable: false },
      ],
    });
    expect(bytes.subarray(4 + manifestLength).toString()).toBe("firstlast");
    expect(packed.bytes).toBe(bytes.length);
    expect(packed.digest).toBe(createHash("sha256").update(bytes).digest("hex"));
  });
});
