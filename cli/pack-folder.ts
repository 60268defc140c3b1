/**
 * Packs a function's folder as tar.gz, node_modules included. The same files give the same bytes: sorted, without
 * times and owners.
 */
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { type Pack, pack } from "tar-stream";
import { MayflyError } from "../contract/index.ts";

/** Never part of a bundle: version control, and the mark of infra/setup.sh. */
const LEFT_OUT = new Set([".git", ".mayfly-stamp"]);
/** What a tar entry says instead of the true time. */
const NO_TIME = new Date(0);

/** Errors: COMMAND_FAILED for what is neither file, folder nor link. */
export async function packFolder(folder: string): Promise<Buffer> {
  const archive = pack();
  const packed = buffer(archive.pipe(createGzip()));
  await addFolder(archive, folder, "");
  archive.finalize();
  return await packed;
}

async function addFolder(archive: Pack, folder: string, prefix: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => !LEFT_OUT.has(name)).sort();
  for (const name of names) {
    const path = join(folder, name);
    const entry = { name: `${prefix}${name}`, mtime: NO_TIME };
    const stat = await lstat(path);
    if (stat.isDirectory()) {
      await add(archive, { ...entry, type: "directory", mode: 0o755 });
      await addFolder(archive, path, `${entry.name}/`);
    } else if (stat.isSymbolicLink()) {
      await add(archive, { ...entry, type: "symlink", linkname: await readlink(path) });
    } else if (stat.isFile()) {
      const mode = stat.mode & 0o100 ? 0o755 : 0o644;
      await add(archive, { ...entry, mode }, await readFile(path));
    } else {
      throw new MayflyError("COMMAND_FAILED", {
        message: `Cannot pack ${path}: it is neither file, folder nor link`,
      });
    }
  }
}

/** Resolves when the archive has room for more. */
function add(archive: Pack, header: Parameters<Pack["entry"]>[0], content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content) archive.entry(header, content, done);
    else archive.entry(header, done);
  });
}
