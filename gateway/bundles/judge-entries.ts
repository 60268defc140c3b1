/**
 * The one policy for what a bundle may contain, for zip and tar.gz alike. It runs before anything is written to
 * disk, entry by entry, and stops at the first entry that it refuses:
 *
 * - only files, directories and symlinks; no setuid, setgid or sticky bit; nothing encrypted;
 * - plain relative UTF-8 paths (entry-path.ts), no two alike, no parent that is a file or a symlink;
 * - symlinks that stay inside, also through other symlinks; no hard links;
 * - limits on entries, on unpacked bytes and on their ratio to the archive's, by what really comes out.
 */
import { LIMITS, linkStaysInside } from "../../contract/index.ts";
import type { ArchiveEntry } from "./archive-entry.ts";
import { BundleTree } from "./bundle-tree.ts";
import { entryPath } from "./entry-path.ts";
import { refuseEntry } from "./refuse-entry.ts";

/** Errors: BUNDLE_ENTRY_REFUSED, BUNDLE_TOO_LARGE, and whatever the reader throws. */
export async function judgeEntries(
  entries: AsyncIterable<ArchiveEntry>,
  archiveBytes: number,
): Promise<BundleTree> {
  const tree = new BundleTree();
  const linkNames = new Map<string, string>();
  const budget = new ByteBudget(archiveBytes);
  let count = 0;

  for await (const entry of entries) {
    count += 1;
    // The tree counts what it holds; this counts what it skips too, such as "./" a million times.
    if (count > LIMITS.bundleEntries)
      throw refuseEntry(
        entry.name,
        `is one more than the limit of ${LIMITS.bundleEntries} entries`,
        "BUNDLE_TOO_LARGE",
      );
    judgeKind(entry);
    const path = entryPath(entry.name, entry.kind === "directory");
    if (path === "") continue;

    if (entry.kind === "directory") {
      tree.add(path, { type: "directory" }, entry.name);
    } else if (entry.kind === "symlink") {
      tree.add(path, { type: "symlink", target: await linkTarget(entry, path) }, entry.name);
      linkNames.set(path, entry.name);
    } else {
      const content = await budget.read(entry);
      tree.add(path, { type: "file", content, executable: (entry.mode & 0o111) !== 0 }, entry.name);
    }
  }

  for (const [path, name] of linkNames) {
    const end = tree.follow(path);
    if (end === "outside") throw refuseEntry(name, "is a symlink that leaves the bundle through other links");
    if (end === "loop") throw refuseEntry(name, "is a symlink that never ends");
  }
  return tree;
}

function judgeKind(entry: ArchiveEntry): void {
  const { kind, name, mode } = entry;
  if (entry.encrypted) throw refuseEntry(name, "is encrypted");
  if (kind !== "file" && kind !== "directory" && kind !== "symlink")
    throw refuseEntry(name, `is a ${kind}; only files, directories and symlinks are allowed`);
  if (mode & 0o4000) throw refuseEntry(name, "has the setuid bit; take it off by chmod u-s");
  if (mode & 0o2000) throw refuseEntry(name, "has the setgid bit; take it off by chmod g-s");
  if (mode & 0o1000) throw refuseEntry(name, "has the sticky bit; take it off by chmod -t");
}

async function linkTarget(entry: ArchiveEntry, path: string): Promise<string> {
  const bytes = await entry.read(LIMITS.pathBytes);
  if (bytes === undefined)
    throw refuseEntry(entry.name, `is a symlink with a target longer than ${LIMITS.pathBytes} bytes`);
  // In NFC as all paths are, or a link written on macOS would miss its file.
  const target = bytes.toString().normalize("NFC");
  if (target === "") throw refuseEntry(entry.name, "is a symlink without a target");
  if (target.includes("\ufffd"))
    throw refuseEntry(entry.name, "is a symlink with a target that is not UTF-8");
  if (Buffer.byteLength(target) > LIMITS.pathBytes)
    throw refuseEntry(entry.name, `is a symlink with a target longer than ${LIMITS.pathBytes} bytes`);
  if (!linkStaysInside(path, target)) throw refuseEntry(entry.name, "is a symlink that leaves the bundle");
  return target;
}

/** How much the archive may still unpack to. */
class ByteBudget {
  readonly #reason: string;
  #left: number;

  constructor(archiveBytes: number) {
    const byRatio = Math.max(LIMITS.ratioFloorBytes, archiveBytes * LIMITS.archiveRatio);
    this.#left = Math.min(LIMITS.unpackedBytes, byRatio);
    this.#reason =
      byRatio < LIMITS.unpackedBytes
        ? `unpacks the bundle to more than ${LIMITS.archiveRatio} times its archive`
        : `unpacks the bundle to more than ${LIMITS.unpackedBytes} bytes`;
  }

  async read(entry: ArchiveEntry): Promise<Buffer> {
    const content = await entry.read(this.#left);
    if (content === undefined) throw refuseEntry(entry.name, this.#reason, "BUNDLE_TOO_LARGE");
    this.#left -= content.length;
    return content;
  }
}
