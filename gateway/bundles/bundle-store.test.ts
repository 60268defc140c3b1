import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tarGzOf, zipOf } from "./archives.fixture.ts";
import { BundlePacker } from "./bundle-packer.ts";
import { BundleStore } from "./bundle-store.ts";

const DIGEST = "a".repeat(64);
const nothing = async () => new Set<string>();

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mayfly-store-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const files = () => readdir(join(dataDir, "bundles"));

async function storeOne(store: BundleStore, digest = DIGEST): Promise<void> {
  const incoming = store.incomingPath();
  await writeFile(incoming, "bundle");
  await store.keep(incoming, digest);
}

describe("BundleStore", () => {
  it("keeps the same digest once", async () => {
    const store = new BundleStore(dataDir);
    await storeOne(store);
    await storeOne(store);
    expect(await files()).toEqual([DIGEST]);
  });

  it("sweep() deletes only what was without need in an earlier sweep too", async () => {
    const store = new BundleStore(dataDir, undefined, 0);
    await storeOne(store);
    await storeOne(store, "b".repeat(64));
    expect(await store.sweep(async () => new Set([DIGEST]))).toBe(0);
    expect(await store.sweep(async () => new Set([DIGEST]))).toBe(1);
    expect(await files()).toEqual([DIGEST]);
  });

  it("sweep() waits for the grace time", async () => {
    const store = new BundleStore(dataDir);
    await storeOne(store);
    await store.sweep(nothing);
    expect(await store.sweep(nothing)).toBe(0);
  });

  it("sweep() spares a bundle that a deployment stores again while the sweep reads the references", async () => {
    const store = new BundleStore(dataDir, undefined, 0);
    await storeOne(store);
    await store.sweep(nothing);
    const stale = async () => {
      await storeOne(store);
      return new Set<string>();
    };
    expect(await store.sweep(stale)).toBe(0);
    expect(await files()).toEqual([DIGEST]);
  });

  it("sweep() deletes what a deployment that died left behind, and nothing that is not ours", async () => {
    const store = new BundleStore(dataDir, undefined, 0);
    await writeFile(store.incomingPath(), "half");
    await writeFile(join(dataDir, "bundles", "notes.txt"), "mine");
    await store.sweep(nothing);
    expect(await store.sweep(nothing)).toBe(1);
    expect(await files()).toEqual(["notes.txt"]);
  });
});

describe("BundlePacker", () => {
  it("writes the packed bundle, readable for its group only", async () => {
    const packer = await BundlePacker.start();
    try {
      const path = join(dataDir, "packed");
      const archive = tarGzOf([{ name: "index.js", content: "hello" }]);
      const packed = await packer.pack({ archive: toArrayBuffer(archive), handler: "index.handler", path });
      const bytes = await readFile(path);
      expect(bytes.length).toBe(packed.bytes);
      expect(bytes.toString()).toMatch(/hello$/);
      expect((await stat(path)).mode & 0o777).toBe(0o640);
    } finally {
      await packer.close();
    }
  });

  it("reports a refusal with its code and entry, leaves no file, and goes on", async () => {
    const packer = await BundlePacker.start();
    try {
      const path = join(dataDir, "packed");
      const hostile = packer.pack({
        archive: toArrayBuffer(zipOf([{ name: "../x" }])),
        handler: "index.handler",
        path,
      });
      const honest = packer.pack({
        archive: toArrayBuffer(zipOf([{ name: "index.js" }])),
        handler: "index.handler",
        path,
      });
      await expect(hostile).rejects.toMatchObject({
        code: "BUNDLE_ENTRY_REFUSED",
        details: { entry: "../x" },
      });
      await expect(honest).resolves.toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    } finally {
      await packer.close();
    }
  });

  it("ends an archive that takes too long, and goes on", async () => {
    const packer = await BundlePacker.start(1);
    try {
      const slow = {
        archive: toArrayBuffer(manyFiles()),
        handler: "index.handler",
        path: join(dataDir, "x"),
      };
      await expect(packer.pack(slow)).rejects.toMatchObject({ code: "BUNDLE_TOO_LARGE" });
      await expect(packer.pack({ ...slow, archive: toArrayBuffer(manyFiles()) })).rejects.toMatchObject({
        code: "BUNDLE_TOO_LARGE",
      });
    } finally {
      await packer.close();
    }
  });
});

const manyFiles = () =>
  zipOf(Array.from({ length: 5000 }, (_, n) => ({ name: `f${n}.js`, content: `${n}` })));

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
