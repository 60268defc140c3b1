import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packFolder } from "./pack-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mayfly-pack-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function namesIn(archive: Buffer): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Readable.from([archive]).pipe(createGunzip()).pipe(extract())) {
    names.push(`${entry.header.type} ${entry.header.name} ${entry.header.linkname ?? ""}`.trimEnd());
    entry.resume();
  }
  return names;
}

test("packFolder() takes dependencies and links along and leaves version control out", async () => {
  await mkdir(join(folder, ".git"));
  await writeFile(join(folder, ".git", "config"), "");
  await mkdir(join(folder, "node_modules", "dep"), { recursive: true });
  await writeFile(join(folder, "node_modules", "dep", "index.js"), "1");
  await writeFile(join(folder, "index.mjs"), "2");
  await symlink("index.mjs", join(folder, "link"));
  expect(await namesIn(await packFolder(folder))).toEqual([
    "file index.mjs",
    "symlink link index.mjs",
    "directory node_modules",
    "directory node_modules/dep",
    "file node_modules/dep/index.js",
  ]);
});

test("packFolder() gives the same bytes for the same files, whenever they were written", async () => {
  await writeFile(join(folder, "a"), "1");
  const first = await packFolder(folder);
  await utimes(join(folder, "a"), new Date(1), new Date(1));
  expect((await packFolder(folder)).equals(first)).toBe(true);
});
