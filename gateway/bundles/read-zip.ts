/**
 * Entries of a zip archive. Only the central directory is believed, as the format says (APPNOTE.TXT 4.3.12), and
 * of it no size: content is inflated with a limit, then compared with the directory's size and CRC.
 *
 * Inflating is synchronous: this runs in the bundle thread, where it blocks nobody, and a stream for each of
 * thousands of small files would cost more than the files.
 */
import { crc32, inflateRawSync } from "node:zlib";
import { type Entry, fromBufferPromise, type ZipFile } from "yauzl";
import { MayflyError } from "../../contract/index.ts";
import type { ArchiveEntry, ArchiveEntryKind } from "./archive-entry.ts";
import { refuseEntry } from "./refuse-entry.ts";

/** The upper half of the external attributes is a Unix mode; type bits of stat(2). */
const KIND_BY_TYPE = new Map<number, ArchiveEntryKind>([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "symlink"],
  [0o020000, "device"],
  [0o060000, "device"],
  [0o010000, "FIFO"],
  [0o140000, "socket"],
]);

/** Errors: BUNDLE_CORRUPT. */
export async function* readZip(archive: Buffer): AsyncGenerator<ArchiveEntry> {
  try {
    // Strings stay bytes: yauzl would turn backslashes into slashes and read unmarked names as code page 437.
    const zip = await fromBufferPromise(archive, { lazyEntries: true, decodeStrings: false });
    for await (const entry of zip.eachEntry()) yield toArchiveEntry(archive, zip, entry);
  } catch (cause) {
    if (cause instanceof MayflyError) throw cause;
    throw new MayflyError("BUNDLE_CORRUPT", {
      message: "Cannot read the bundle: the zip archive is damaged or cut off",
      cause,
    });
  }
}

function toArchiveEntry(archive: Buffer, zip: ZipFile, entry: Entry): ArchiveEntry {
  const name = entry.fileNameRaw.toString();
  const mode = entry.externalFileAttributes >>> 16;
  const type = mode & 0o170000;
  // Archives made without Unix modes say "directory" by the trailing slash alone.
  const plain: ArchiveEntryKind = name.endsWith("/") ? "directory" : "file";
  return {
    name,
    kind: type === 0 ? plain : (KIND_BY_TYPE.get(type) ?? "entry of an unknown kind"),
    mode: mode & 0o7777,
    encrypted: entry.isEncrypted(),
    read: (maxBytes) =>
      readContent(archive, zip, entry, name, maxBytes).catch((cause: unknown) => {
        if (cause instanceof MayflyError) throw cause;
        throw refuseEntry(name, "is damaged or cut off", "BUNDLE_CORRUPT", cause);
      }),
  };
}

async function readContent(
  archive: Buffer,
  zip: ZipFile,
  entry: Entry,
  name: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (!entry.canDecodeFileData())
    throw refuseEntry(name, "is compressed by a method other than store and deflate");
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const packed = archive.subarray(fileDataStart, fileDataStart + entry.compressedSize);
  const content = entry.compressionMethod === 8 ? inflate(packed, maxBytes) : packed;
  if (content === undefined || content.length > maxBytes) return undefined;
  if (content.length !== entry.uncompressedSize || crc32(content) !== entry.crc32)
    throw refuseEntry(
      name,
      "is damaged: its size or checksum is not what the archive says",
      "BUNDLE_CORRUPT",
    );
  return content;
}

function inflate(packed: Buffer, maxBytes: number): Buffer | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}
