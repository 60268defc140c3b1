/** Chooses the reader by the archive's first bytes; names and content types are only claims. */
import { MayflyError } from "../../contract/index.ts";
import type { ArchiveEntry } from "./archive-entry.ts";
import { readTarGz } from "./read-tar-gz.ts";
import { readZip } from "./read-zip.ts";

/** Local file header, or the end record that an empty archive starts with. */
const ZIP_MAGICS = [Buffer.from("PK\x03\x04"), Buffer.from("PK\x05\x06")];
/** RFC 1952, with deflate as the method. */
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);

/** Errors: BUNDLE_FORMAT_UNKNOWN, and those of the readers. */
export function readArchive(archive: Buffer): AsyncIterable<ArchiveEntry> {
  const starts = (magic: Buffer): boolean => archive.subarray(0, magic.length).equals(magic);
  if (ZIP_MAGICS.some(starts)) return readZip(archive);
  if (starts(GZIP_MAGIC)) return readTarGz(archive);
  throw new MayflyError("BUNDLE_FORMAT_UNKNOWN", {
    message: "Cannot read the bundle: it is neither a zip nor a tar.gz archive by its first bytes",
  });
}
