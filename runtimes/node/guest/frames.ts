/**
 * The sandbox's side of contract/guest-frames.ts. Everything is synchronous: while it is parked, the process
 * stands in one blocking read, so it touches no page and no event loop before its event is there.
 */
import { readSync, writeSync } from "node:fs";

export interface Frame {
  header: Record<string, unknown>;
  body: Buffer;
}

function readExactly(fd: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; ) {
    const count = readSync(fd, buffer, at, length - at, null);
    if (count === 0) throw new Error("the worker is gone");
    at += count;
  }
  return buffer;
}

export function readFrame(fd: number): Frame {
  const prefix = readExactly(fd, 8);
  const header = readExactly(fd, prefix.readUInt32LE(0));
  const body = readExactly(fd, prefix.readUInt32LE(4));
  return { header: JSON.parse(header.toString()), body };
}

export function writeFrame(fd: number, header: Record<string, unknown>, body: string | Buffer = ""): void {
  const headerBytes = Buffer.from(JSON.stringify(header));
  const bodyBytes = typeof body === "string" ? Buffer.from(body) : body;
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(headerBytes.length, 0);
  prefix.writeUInt32LE(bodyBytes.length, 4);
  const frame = Buffer.concat([prefix, headerBytes, bodyBytes]);
  for (let at = 0; at < frame.length; ) at += writeSync(fd, frame, at);
}
