/**
 * Writes a packed bundle (contract/packed-bundle.ts) to a folder. bundle-cache.ts calls it, as root; the bytes come
 * from a folder that the unprivileged gateway writes, and from a stranger before that. So:
 * - what is hashed is what is written: one pass over one descriptor, and the caller uses the folder only if the
 *   digest is right;
 * - every entry is created new (O_EXCL, O_NOFOLLOW) below a folder that nobody else can write, directories first
 *   and links last: no path can lead through a link.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, type FileHandle, mkdir, open, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BundleEntry, bundleManifest, LIMITS, linkStaysInside, MayflyError } from "../contract/index.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const CHUNK_BYTES = 1024 * 1024;
/** Room for LIMITS.bundleEntries entries with long paths. */
const MANIFEST_MAX_BYTES = 64 * 1024 * 1024;

type Reader = (bytes: number) => Promise<Buffer>;

/**
 * Returns the bytes of all files. `folder` must not exist; after an error the caller removes it.
 * Errors: BUNDLE_UNAVAILABLE, BUNDLE_DIGEST_MISMATCH.
 */
export async function unpackBundle(packedFile: string, digest: string, folder: string): Promise<number> {
  try {
    // O_NONBLOCK: opening a FIFO put there would wait for its writer.
    const file = await open(packedFile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return await unpackOpened(file, digest, folder);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof MayflyError) throw cause;
    throw new MayflyError("BUNDLE_UNAVAILABLE", {
      message: `Cannot unpack bundle ${digest}: ${(cause as Error).message}`,
      cause,
    });
  }
}

async function unpackOpened(file: FileHandle, digest: string, folder: string): Promise<number> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new Error("it is not a regular file");
  const hash = createHash("sha256");
  const read: Reader = async (bytes) => {
    const chunk = await readExactly(file, bytes);
    hash.update(chunk);
    return chunk;
  };

  const manifestBytes = (await read(4)).readUInt32LE(0);
  if (manifestBytes > MANIFEST_MAX_BYTES) throw new Error("its manifest is too long");
  const { entries } = bundleManifest.parse(JSON.parse((await read(manifestBytes)).toString("utf8")));
  const fileBytes = entries.reduce((sum, entry) => sum + (entry.type === "file" ? entry.size : 0), 0);
  if (fileBytes > LIMITS.unpackedBytes) throw new Error("its files are too large together");
  if (stat.size !== 4 + manifestBytes + fileBytes) throw new Error("its size does not fit its manifest");

  await writeEntries(entries, folder, read);
  if (hash.digest("hex") !== digest) {
    throw new MayflyError("BUNDLE_DIGEST_MISMATCH", {
      message: `Cannot use bundle ${digest}: its content is another`,
    });
  }
  return fileBytes;
}

async function writeEntries(entries: BundleEntry[], folder: string, read: Reader): Promise<void> {
  const directories = new Set<string>([folder]);
  for (const { type, path } of entries)
    addWithParents(directories, join(folder, type === "directory" ? path : dirname(path)));
  const fromTheTop = [...directories].sort((a, b) => a.length - b.length);
  for (const directory of fromTheTop) await mkdir(directory, { mode: 0o700 });

  for (const entry of entries)
    if (entry.type === "file") await writeFile(entry, join(folder, entry.path), read);

  for (const entry of entries) {
    if (entry.type !== "symlink") continue;
    if (!linkStaysInside(entry.path, entry.target)) throw new Error(`the link ${entry.path} leaves it`);
    await symlink(entry.target, join(folder, entry.path));
  }
  for (const directory of fromTheTop) await chmod(directory, 0o555);
}

/** The set starts with the bundle's folder, at which the walk upwards ends. */
function addWithParents(directories: Set<string>, directory: string): void {
  for (let path = directory; !directories.has(path); path = dirname(path)) directories.add(path);
}

async function writeFile(
  entry: Extract<BundleEntry, { type: "file" }>,
  path: string,
  read: Reader,
): Promise<void> {
  const out = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    for (let left = entry.size; left > 0; ) {
      const chunk = await read(Math.min(left, CHUNK_BYTES));
      await out.writeFile(chunk);
      left -= chunk.length;
    }
    await out.chmod(entry.executable ? 0o555 : 0o444);
  } finally {
    await out.close();
  }
}

async function readExactly(file: FileHandle, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let filled = 0; filled < bytes; ) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled);
    if (bytesRead === 0) throw new Error("it ends too early");
    filled += bytesRead;
  }
  return buffer;
}
