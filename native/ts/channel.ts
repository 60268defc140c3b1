/**
 * The worker's end of a socket to a spawner, a mounter or a zygote: requests with descriptors out, replies in.
 * struct mf_request and struct mf_reply of native/include/mayfly.h.
 *
 * Node.js cannot send descriptors, so requests go out through the library, synchronously and without blocking;
 * replies carry none, so Node.js reads them like any stream.
 */
import { Socket } from "node:net";
import { type ErrorCode, MayflyError } from "../../contract/index.ts";
import { native } from "./library.ts";
import { nativeError } from "./native-error.ts";

export const OP = { createSet: 1, releaseSet: 2, startZygote: 3, exec: 4, mount: 5, fork: 6 } as const;
/** enum of native/include/mayfly.h: what a lease has beside /tmp and its bundle. */
export const MOUNT = { layers: 1, volumes: 2, root: 4, code: 8 } as const;
export const EVENT = { hello: 7, setEnded: 8 } as const;

const EAGAIN = -11;
const EPIPE = -32;

const REQUEST_BYTES = 40;
const REPLY_BYTES = 20;

export interface Request {
  op: (typeof OP)[keyof typeof OP];
  pid?: number;
  uidBase?: number;
  tmpBytes?: number;
  tmpInodes?: number;
  /** Bits of MOUNT. */
  mounts?: number;
  volumes?: number;
  fds?: number[];
}

export interface Reply {
  op: number;
  pid: number;
  /** Not negative: failures reject. */
  result: number;
}

interface Pending {
  action: string;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

interface ChannelOptions {
  /** Whom we talk to, for messages: "the spawner of nodejs24". */
  peer: string;
  /** The code of failed requests. */
  code: ErrorCode;
  onEvent: (event: Reply) => void;
  /** The peer closed its end: it has ended. Called once, also after close(). */
  onClose: () => void;
}

export class Channel {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #options: ChannelOptions;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #unread: Buffer = Buffer.alloc(0);
  #closed = false;

  /** Takes over `fd`. */
  constructor(fd: number, options: ChannelOptions) {
    this.#fd = fd;
    this.#options = options;
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () => this.#ended());
  }

  /** `action` begins the error message: "Cannot create a namespace set". The descriptors stay the caller's. */
  request(action: string, request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++ >>> 0;
      this.#pending.set(id, { action, resolve, reject });
      this.#sendWhenRoom(id, request, (result) => {
        this.#pending.delete(id);
        reject(nativeError(this.#options.code, `${action}: cannot ask ${this.#options.peer}`, result));
      });
    });
  }

  /** A request without a reply; nothing happens when the peer is gone. */
  notify(request: Request): void {
    this.#sendWhenRoom(0, request, () => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Tries again while the socket's buffer is full: the peer is behind, not gone. */
  #sendWhenRoom(id: number, request: Request, fail: (result: number) => void): void {
    const result = this.#closed ? EPIPE : this.#send(id, request);
    if (result === EAGAIN) setTimeout(() => this.#sendWhenRoom(id, request, fail), 1);
    else if (result < 0) fail(result);
  }

  #send(id: number, request: Request): number {
    const {
      op,
      pid = 0,
      uidBase = 0,
      tmpBytes = 0,
      tmpInodes = 0,
      mounts = 0,
      volumes = 0,
      fds = [],
    } = request;
    const bytes = Buffer.alloc(REQUEST_BYTES);
    bytes.writeUInt32LE(op, 0);
    bytes.writeUInt32LE(id, 4);
    bytes.writeUInt32LE(pid, 8);
    bytes.writeUInt32LE(uidBase, 12);
    bytes.writeBigUInt64LE(BigInt(tmpBytes), 16);
    bytes.writeBigUInt64LE(BigInt(tmpInodes), 24);
    bytes.writeUInt32LE(mounts, 32);
    bytes.writeUInt32LE(volumes, 36);
    return native.send(this.#fd, bytes, Int32Array.from(fds), fds.length);
  }

  #receive(chunk: Buffer): void {
    let bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (bytes.length >= REPLY_BYTES) {
      this.#dispatch(bytes);
      bytes = bytes.subarray(REPLY_BYTES);
    }
    this.#unread = bytes;
  }

  #dispatch(bytes: Buffer): void {
    const reply = { op: bytes.readUInt32LE(0), pid: bytes.readUInt32LE(8), result: bytes.readInt32LE(16) };
    if (reply.op === EVENT.hello || reply.op === EVENT.setEnded) {
      this.#options.onEvent(reply);
      return;
    }
    const id = bytes.readUInt32LE(4);
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (reply.result >= 0) pending?.resolve(reply);
    else
      pending?.reject(nativeError(this.#options.code, pending.action, reply.result, bytes.readUInt32LE(12)));
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { action, reject } of this.#pending.values()) {
      reject(new MayflyError(this.#options.code, { message: `${action}: ${this.#options.peer} has ended` }));
    }
    this.#pending.clear();
    this.#options.onClose();
  }
}
