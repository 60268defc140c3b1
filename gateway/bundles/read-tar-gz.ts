/** Entries of a gzipped tar archive (ustar, pax and GNU). Runs in the bundle thread. */
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { LIMITS, MayflyError } from "../../contract/index.ts";
import type { ArchiveEntry, ArchiveEntryKind } from "./archive-entry.ts";
import { refuseEntry } from "./refuse-entry.ts";

const KIND_BY_TYPE: Record<string, ArchiveEntryKind> = {
  file: "file",
  directory: "directory",
  symlink: "symlink",
  link: "hard link",
  "character-device": "device",
  "block-device": "device",
  fifo: "FIFO",
};

/** Headers and padding cost at most about 4 KiB an entry; what is inflated beyond that is a bomb of headers. */
const INFLATED_BYTES = LIMITS.unpackedBytes + LIMITS.bundleEntries * 4096;

/** Errors: BUNDLE_CORRUPT, BUNDLE_TOO_LARGE. */
export async function* readTarGz(archive: Buffer): AsyncGenerator<ArchiveEntry> {
  const gunzip = createGunzip();
  const tar = extract();
  let inflated = 0;
  gunzip.on("data", (chunk: Buffer) => {
    inflated += chunk.length;
    if (inflated > INFLATED_BYTES) gunzip.destroy(new MayflyError("BUNDLE_TOO_LARGE"));
  });
  // The loop below sees the same error: pipeline destroys `tar` with it.
  pipeline(gunzip, tar, () => {});
  gunzip.end(archive);

  try {
    for await (const stream of tar) {
      yield toArchiveEntry(stream.header, stream as AsyncIterable<Uint8Array>);
      stream.resume();
    }
  } catch (cause) {
    if (cause instanceof MayflyError) throw cause;
    throw new MayflyError("BUNDLE_CORRUPT", {
      message: "Cannot read the bundle: the tar.gz archive is damaged or cut off",
      cause,
    });
  } finally {
    gunzip.destroy();
  }
}

function toArchiveEntry(header: Header, stream: AsyncIterable<Uint8Array>): ArchiveEntry {
  // A sparse file's content is preceded by a map of its holes; taken for an ordinary file it would be garbage.
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith("GNU.sparse.")))
    throw refuseEntry(header.name, "is a sparse file; make the archive without --sparse");
  const kind = KIND_BY_TYPE[header.type] ?? "entry of an unknown kind";
  return {
    name: header.name,
    kind,
    mode: header.mode & 0o7777,
    encrypted: false,
    read: async (maxBytes) => {
      if (kind === "symlink") {
        const target = Buffer.from(header.linkname ?? "");
        return target.length > maxBytes ? undefined : target;
      }
      return readContent(stream, maxBytes).catch((cause: unknown) => {
        if (cause instanceof MayflyError) throw cause;
        throw refuseEntry(header.name, "is damaged or cut off", "BUNDLE_CORRUPT", cause);
      });
    },
  };
}

async function readContent(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
