/**
 * The sandbox's side of contract/guest-frames.ts. Everything is synchronous: while it is parked, the process
 * stands in one blocking read, so it touches no page and no event loop before its event is there.
 */
import { readSync, writeSync } from "node:fs";

export interface Frame {
  header: Record<string, unknown>;
  body: Buffer;
}

const PREFIX_BYTES = 8;
/** What most frames fit into, one after the other: read in one go. Made once, in the zygote. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Reads the frames of one descriptor. One at a time in a process: they share the scratch. */
export class FrameReader {
  readonly #fd: number;
  /** What of the scratch was read and not yet taken. */
  #start = 0;
  #end = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Blocks until the frame is whole. */
  read(): Frame {
    const prefix = this.#take(PREFIX_BYTES);
    const [headerBytes, bodyBytes] = [prefix.readUInt32LE(0), prefix.readUInt32LE(4)];
    const header = JSON.parse(this.#take(headerBytes).toString());
    return { header, body: this.#take(bodyBytes) };
  }

  /** Valid until the next call. */
  #take(length: number): Buffer {
    if (length > scratch.length) return this.#takeLarge(length);
    if (this.#start + length > scratch.length) this.#moveToFront();
    while (this.#end - this.#start < length) this.#end += readSome(this.#fd, scratch, this.#end);
    this.#start += length;
    return scratch.subarray(this.#start - length, this.#start);
  }

  #takeLarge(length: number): Buffer {
    const buffer = Buffer.allocUnsafeSlow(length);
    let at = scratch.copy(buffer, 0, this.#start, this.#end);
    this.#start = this.#end;
    while (at < length) at += readSome(this.#fd, buffer, at);
    return buffer;
  }

  #moveToFront(): void {
    scratch.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }
}

function readSome(fd: number, buffer: Buffer, at: number): number {
  const count = readSync(fd, buffer, at, buffer.length - at, null);
  if (count === 0) throw new Error("the worker is gone");
  return count;
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
