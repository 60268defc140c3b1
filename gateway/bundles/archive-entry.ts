/**
 * One entry of an uploaded archive as read-zip.ts and read-tar-gz.ts hand it over, alike for both kinds, so that
 * judge-entries.ts is the only place that decides. Nothing in it is trusted yet.
 */
export type ArchiveEntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "hard link"
  | "device"
  | "FIFO"
  | "socket"
  | "entry of an unknown kind";

export interface ArchiveEntry {
  /** As the archive spells it; U+FFFD stands where the bytes were not UTF-8. */
  readonly name: string;
  readonly kind: ArchiveEntryKind;
  /** Permission bits with setuid, setgid and sticky (0o7777), without the file type. */
  readonly mode: number;
  readonly encrypted: boolean;
  /**
   * A file's content, a symlink's target. Counts the bytes that really come out, whatever the headers say, and
   * resolves to undefined, having stopped, as soon as there are more than `maxBytes`.
   */
  read(maxBytes: number): Promise<Buffer | undefined>;
}
