/**
 * The worker's end of a sandbox's control socket (contract/guest-frames.ts). Everything that comes in was written
 * by a stranger: each length is judged before a byte is kept, each header by its schema.
 */
import { Socket } from "node:net";
import {
  encodeFrame,
  FRAME_HEADER_MAX_BYTES,
  FRAME_PREFIX_BYTES,
  type GuestHeader,
  guestHeader,
  LIMITS,
  type WorkerHeader,
} from "../contract/index.ts";

export type GuestMessage =
  | { kind: "frame"; header: GuestHeader; body: Buffer }
  | { kind: "too_large" }
  | { kind: "broken"; reason: string };

export class GuestChannel {
  readonly #socket: Socket;
  /** The frame that is coming in: its lengths, then its header and body. */
  readonly #prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  #frame: Buffer | undefined;
  /** How much there is of what comes at the moment, the prefix or the frame. */
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

  send(header: WorkerHeader, body?: Buffer): void {
    this.#socket.write(encodeFrame(header, body));
  }

  close(): void {
    this.#deliver = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#deliver === undefined || this.#broken) return;
    const message = this.#take(chunk);
    if (message === undefined) return;
    this.#broken = message.kind !== "frame";
    this.#frame = undefined;
    this.#length = 0;
    const deliver = this.#deliver;
    this.#deliver = undefined;
    deliver(message);
  }

  /**
   * Undefined while the frame is not complete. Each byte is copied once, whatever the pieces in which it comes: kept as
   * pieces, an answer written byte by byte would cost the worker a hundred times its size, and joined at each piece
   * the square of it.
   */
  #take(chunk: Buffer): GuestMessage | undefined {
    const fromPrefix = this.#frame === undefined ? chunk.copy(this.#prefix, this.#length) : 0;
    const rest = chunk.subarray(fromPrefix);
    const headerBytes = this.#prefix.readUInt32LE(0);
    if (this.#frame === undefined) {
      this.#length += fromPrefix;
      if (this.#length < FRAME_PREFIX_BYTES) return undefined;
      const bodyBytes = this.#prefix.readUInt32LE(4);
      if (headerBytes > FRAME_HEADER_MAX_BYTES) return { kind: "broken", reason: "its header is too long" };
      if (bodyBytes > LIMITS.responseBytes) return { kind: "too_large" };
      // What is announced and never written takes no memory: the kernel gives pages when they are touched.
      this.#frame = Buffer.allocUnsafeSlow(headerBytes + bodyBytes);
      this.#length = 0;
    }
    if (rest.length > this.#frame.length - this.#length)
      return { kind: "broken", reason: "it wrote more than one frame" };
    this.#length += rest.copy(this.#frame, this.#length);
    if (this.#length < this.#frame.length) return undefined;
    return parseHeader(this.#frame.subarray(0, headerBytes), this.#frame.subarray(headerBytes));
  }
}

function parseHeader(header: Buffer, body: Buffer): GuestMessage {
  try {
    return { kind: "frame", header: guestHeader.parse(JSON.parse(header.toString())), body };
  } catch {
    return { kind: "broken", reason: "its header does not have the expected form" };
  }
}
