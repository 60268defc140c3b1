/**
 * The worker's end of a sandbox's control socket (contract/guest-frames.ts). Everything that comes in was written
 * by a stranger: each length is judged before a byte is kept, each header by its schema.
 */
import { Socket } from "node:net";
import {
  type EventHeader,
  encodeFrame,
  FRAME_HEADER_MAX_BYTES,
  FRAME_PREFIX_BYTES,
  type GuestHeader,
  guestHeader,
  LIMITS,
} from "../contract/index.ts";

export type GuestMessage =
  | { kind: "frame"; header: GuestHeader; body: Buffer }
  | { kind: "too_large" }
  | { kind: "broken"; reason: string };

export class GuestChannel {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #length = 0;
  #deliver: ((message: GuestMessage) => void) | undefined;
  /** After a broken frame nothing that follows can be understood. */
  #broken = false;

  /** Takes over the descriptor. */
  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    /* Its end is no news: the namespace set says how the process ended. */
    this.#socket.on("error", () => this.#socket.destroy());
  }

  /** The next message; what comes when nobody waits is dropped, so a second answer is never read. */
  next(): Promise<GuestMessage> {
    return new Promise((resolve) => {
      this.#deliver = resolve;
    });
  }

  send(header: EventHeader, body: Buffer): void {
    this.#socket.write(encodeFrame(header, body));
  }

  close(): void {
    this.#deliver = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#deliver === undefined || this.#broken) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const message = this.#parse();
    if (message === undefined) return;
    this.#broken = message.kind !== "frame";
    this.#chunks = [];
    this.#length = 0;
    const deliver = this.#deliver;
    this.#deliver = undefined;
    deliver(message);
  }

  /** Undefined while the frame is not complete. */
  #parse(): GuestMessage | undefined {
    if (this.#length < FRAME_PREFIX_BYTES) return undefined;
    const first = this.#firstBytes(FRAME_PREFIX_BYTES);
    const headerBytes = first.readUInt32LE(0);
    const bodyBytes = first.readUInt32LE(4);
    if (headerBytes > FRAME_HEADER_MAX_BYTES) return { kind: "broken", reason: "its header is too long" };
    if (bodyBytes > LIMITS.responseBytes) return { kind: "too_large" };
    const total = FRAME_PREFIX_BYTES + headerBytes + bodyBytes;
    if (this.#length < total) return undefined;
    if (this.#length > total) return { kind: "broken", reason: "it wrote more than one frame" };
    const bytes = Buffer.concat(this.#chunks);
    const headerEnd = FRAME_PREFIX_BYTES + headerBytes;
    return parseHeader(bytes.subarray(FRAME_PREFIX_BYTES, headerEnd), bytes.subarray(headerEnd, total));
  }

  #firstBytes(count: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    return first.length >= count ? first : Buffer.concat(this.#chunks);
  }
}

function parseHeader(header: Buffer, body: Buffer): GuestMessage {
  try {
    return { kind: "frame", header: guestHeader.parse(JSON.parse(header.toString())), body };
  } catch {
    return { kind: "broken", reason: "its header does not have the expected form" };
  }
}
