/** For tests: zip and tar.gz archives written by hand, because honest writers refuse to write hostile ones. */
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

export interface FixtureEntry {
  name: string | Buffer;
  type?: "file" | "directory" | "symlink" | "hard link" | "device" | "block device" | "FIFO" | "socket";
  /** Permission bits; default 0644 of files, 0755 of directories, 0777 of symlinks. */
  mode?: number;
  /** A file's content, a symlink's target. */
  content?: string | Buffer;
  /** Zip only. */
  encrypted?: boolean;
  /** What the headers claim instead of the truth. Zip only. */
  claimedSize?: number;
}

const STAT_TYPE = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  "hard link": 0o100000,
  device: 0o020000,
  "block device": 0o060000,
  FIFO: 0o010000,
  socket: 0o140000,
};
const TAR_TYPE = {
  file: "0",
  "hard link": "1",
  symlink: "2",
  device: "3",
  "block device": "4",
  directory: "5",
  FIFO: "6",
  socket: "s",
};
const DEFAULT_MODE: Record<string, number> = { directory: 0o755, symlink: 0o777 };

const modeOf = (entry: FixtureEntry): number => entry.mode ?? DEFAULT_MODE[entry.type ?? "file"] ?? 0o644;

export function zipOf(entries: FixtureEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? "");
    const packed = deflateRawSync(content);
    // Version, flags, method, time, date, CRC, packed size, size, name length, extra length (APPNOTE 4.3.7).
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (entry.encrypted ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(entry.claimedSize ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, packed]);
    locals.push(local);

    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(((STAT_TYPE[entry.type ?? "file"] | modeOf(entry)) << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, rest, name]));
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

export function tarGzOf(entries: FixtureEntry[]): Buffer {
  return gzipSync(Buffer.concat([...entries.flatMap(tarBlocks), Buffer.alloc(1024)]));
}

function tarBlocks(entry: FixtureEntry): Buffer[] {
  const type = entry.type ?? "file";
  const isLink = type === "symlink" || type === "hard link";
  const name = Buffer.from(entry.name);
  const content = isLink ? Buffer.alloc(0) : Buffer.from(entry.content ?? "");
  const linkName = isLink ? Buffer.from(entry.content ?? "") : Buffer.alloc(0);
  return [
    ...longHeader("L", name),
    ...longHeader("K", linkName),
    header(name, TAR_TYPE[type], modeOf(entry), content.length, linkName),
    padded(content),
  ];
}

/** GNU's way to carry what a header has no room for: a pseudo entry before it. */
function longHeader(type: string, text: Buffer): Buffer[] {
  if (text.length <= 100) return [];
  return [header(Buffer.from("././@LongLink"), type, 0o644, text.length, Buffer.alloc(0)), padded(text)];
}

function header(name: Buffer, type: string, mode: number, size: number, linkName: Buffer): Buffer {
  const block = Buffer.alloc(512);
  name.copy(block, 0, 0, 100);
  block.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write(type, 156);
  linkName.copy(block, 157, 0, 100);
  block.write("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
